// The little that pages do beyond plain HTML: live parts, the reader's time zone, questions before what cannot be undone.
"use strict";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`zone=${encodeURIComponent(zone)}`)) {
  document.cookie = `zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
}

const ANSWER_MS = 3000;

function tell(text) {
  const place = document.getElementById("live-state");
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren();
  if (text) {
    const note = document.createElement("div");
    note.className = "alert alert-danger";
    note.textContent = text;
    place.append(note);
  }
}

// The element that had the focus keeps it when its part of the page is made anew.
function replace(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const key = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.getAttribute("href") && `a[href="${CSS.escape(focused.getAttribute("href"))}"]`);
  const opened = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  part.innerHTML = html;
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (key) part.querySelector(key)?.focus({ preventScroll: true });
}

async function look(part) {
  const answer = await fetch(part.dataset.live, {
    headers: { "x-live": "1" }, credentials: "same-origin", signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (answer.status === 401) return location.reload();
  const text = await answer.text();
  if (answer.ok) {
    part.classList.remove("stale");
    tell("");
    if (part.dataset.shown !== text) replace(part, text);
    part.dataset.shown = text;
    return;
  }
  throw new Error(answer.status === 503 ? text : `The console answers with an error (${answer.status}).`);
}

function live(part) {
  const every = Number(part.dataset.every || 5) * 1000;
  async function turn() {
    if (!document.hidden) {
      try {
        await look(part);
      } catch (error) {
        part.classList.add("stale");
        tell(error.name === "TimeoutError" || error instanceof TypeError
          ? "The console does not answer. What is shown is from before; it goes on by itself." : error.message);
      }
    }
    if (part.isConnected) setTimeout(turn, every);
  }
  setTimeout(turn, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(part).catch(() => {}); });
}

document.querySelectorAll("[data-live]").forEach(live);

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask || event.target.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});
