/** Captions alone, for projectors and streaming software: `/captions?show=both&lines=3&size=150&background=transparent`.
 *
 * It follows the page in the same browser where somebody speaks. Where there is none, as in OBS, it listens
 * itself: with a button, or at once with `?from=en&to=es`. With `?room=ROOM&lang=es#SECRET` it shows what is said
 * in a room, over the network.
 */

import { Preferences, storage } from "./preferences.js";
import { follow } from "./session/mirror.js";
import { Talk } from "./session/talk.js";
import { Transcript } from "./session/transcript.js";
import * as languages from "./languages.js";
import { secretsIn } from "./room/address.js";
import { showRoom } from "./room/captions.js";
import { Caption } from "./view/caption.js";
import { byId, mark } from "./view/dom.js";

/** @typedef {import("./session/mirror.js").Said} Said */

const wish = new URLSearchParams(location.search);
const most = Math.max(1, Number(wish.get("lines")) || 3);
const both = wish.get("show") === "both";
const lines = byId("lines", HTMLElement);
const now = byId("now", HTMLElement);
const wait = byId("wait", HTMLElement);
const waitText = byId("wait-text", HTMLElement);
const listen = byId("listen", HTMLButtonElement);
/** @type {Map<number, Caption>} */
const shown = new Map();

document.documentElement.style.setProperty("--scale", String((Number(wish.get("size")) || 100) / 100));
mark(document.body, "background", wish.get("background") ?? undefined);

/**
 * @param {Said[]} said
 * @param {number[]} withdrawn
 */
function show(said, withdrawn) {
  wait.hidden = true;
  for (const id of withdrawn) {
    shown.get(id)?.element.remove();
    shown.delete(id);
  }
  for (const line of said) {
    const caption = shown.get(line.id) ?? new Caption(both);
    caption.show(line);
    const place = line.translation.final ? lines : now;
    if (caption.element.parentElement !== place) place.append(caption.element);
    shown.set(line.id, caption);
  }
  for (const [id, { element }] of shown) {
    if (lines.childElementCount <= most) break;
    if (element.parentElement !== lines) continue;
    element.remove();
    shown.delete(id);
  }
}

/** @param {string} text */
function tell(text) {
  if (waitText.textContent !== text) waitText.textContent = text;
  wait.hidden = text === "";
}

/** Recognises and translates here, without a voice. */
async function speakHere() {
  const answer = await fetch("v1/languages").catch(() => undefined);
  const offer = answer?.ok ? await answer.json() : { detects: false, pairs: [], languages: [] };
  const { choices } = new Preferences(storage());
  const wanted = { source: wish.get("from") ?? choices.source, target: wish.get("to") ?? choices.target };
  const pair = languages.settle(offer, wanted, navigator.languages);
  if (!pair) return tell("The server cannot translate right now.");
  const transcript = new Transcript();
  /** @param {import("./session/transcript.js").Caption} caption */
  const mirrored = (caption) => ({ ...caption, dir: languages.direction(offer, caption.language) });
  const talk = new Talk(transcript, { ...choices, ...pair }, {
    state: () => {},
    trouble: (trouble) => (trouble ? tell(trouble.text) : (wait.hidden = true)),
    lines: ({ changed, withdrawn }) => show(
      changed.map(({ id, source, translation }) => ({
        id, source: mirrored(source), translation: mirrored(translation),
      })),
      withdrawn.map(({ id }) => id),
    ),
    level: () => {},
    notice: () => {},
    remark: () => {},
  }, { audible: false });
  await talk.start();
}

listen.addEventListener("click", () => {
  wait.hidden = true;
  void speakHere();
});
const room = wish.get("room");
if (room) {
  listen.remove();
  showRoom({ room, ...secretsIn(location.hash) }, wish.get("lang"), { show, tell });
} else if (wish.has("from") || wish.has("to")) {
  void speakHere();
} else {
  tell("Captions appear here as soon as somebody speaks in the other window.");
  follow(show);
}
