-- What a dead letter is searched by, made when it is written: years of them are read in one go.

CREATE FUNCTION words_of(parts text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT lower(array_to_string(parts, ' ')) $$;

ALTER TABLE dead_letter ADD words text GENERATED ALWAYS AS (words_of(ARRAY[code, cause, fix] || culprit)) STORED;
