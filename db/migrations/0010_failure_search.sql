-- What a dead letter is searched by, made when it is written: years of them are read in one go.

CREATE FUNCTION words_of(parts text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT lower(array_to_string(parts, ' ')) $$;

ALTER TABLE dead_letter ADD number text NOT NULL DEFAULT '';  -- of its document, as it was then
UPDATE dead_letter l SET number = d.number FROM document d WHERE d.id = l.document_id;
ALTER TABLE dead_letter
    ADD words text GENERATED ALWAYS AS (words_of(ARRAY[number, code, cause, fix] || culprit)) STORED;
