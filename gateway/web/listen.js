/** The page of who listens in a room: asks for the language only. */

import { AUTO } from "./languages.js";
import { Preferences, storage } from "./preferences.js";
import { ofPage } from "./room/address.js";
import { Conversation } from "./room/conversation.js";
import { Door } from "./room/door.js";
import { Seat } from "./room/seat.js";
import { Awake } from "./view/awake.js";
import { Banner } from "./view/banner.js";
import { byId } from "./view/dom.js";
import { Follow } from "./view/follow.js";
import { Hearing } from "./view/hearing.js";
import { Look } from "./view/look.js";
import { People } from "./view/people.js";
import { Pocket } from "./view/pocket.js";
import { Remark } from "./view/remark.js";
import { Said } from "./view/said.js";
import { skip } from "./view/skip.js";
import { toast } from "./view/toast.js";
import { Tongue } from "./view/tongue.js";

/** @typedef {import("./session/talk.js").State} State */

const preferences = new Preferences(storage());
const address = ofPage(location);
let title = "speechbridge";

/** @type {Seat | undefined} */
let seat;

async function join() {
  pocket.begin(title, tongue.name(tongue.value));
  byId("welcome", HTMLElement).hidden = true;
  const wish = { ...address, role: /** @type {const} */ ("listener"), name: "", source: "", language: tongue.value };
  seat = new Seat(conversation, wish, preferences.choices, handlers);
  await seat.join();
}

/** @param {boolean} on */
function hold(on) {
  hearing.hold(on);
  pocket.hold(on);
  seat?.sound.voice?.hold(on);
}

/** @param {State} state */
function show(state) {
  hearing.show(state);
  awake.keep(state !== "idle");
  if (state === "idle") pocket.end();
  if (state === "idle" || state === "live") remark.clear();
}

/** @type {import("./room/seat.js").Handlers} */
const handlers = {
  state: show,
  trouble: (trouble, againAt) => banner.show(trouble, againAt),
  lines: (change) => said.show(change),
  people: (now) => {
    people.show(now);
    // In the language of somebody who came one can listen now.
    if (now.speakers.some(({ language }) => language !== AUTO && !tongue.offers(language))) door.again();
  },
  language: (tag) => {
    tongue.show(tag);
    pocket.describe(title, tongue.name(tag));
  },
  delay: (ms) => hearing.delay(ms),
  notice: toast,
  remark: (...what) => remark.show(...what),
};

const conversation = new Conversation();
const remark = new Remark();
const tongue = new Tongue(byId("language", HTMLSelectElement), (tag) => {
  preferences.set({ hears: tag });
  if (seat && seat.state !== "idle") seat.turn({ language: tag });
});
const people = new People(byId("people", HTMLElement), (tag) => tongue.name(tag), { audience: false });
const banner = new Banner((act) => {
  if (act === "languages") tongue.focus();
  else if (act === "reload") location.reload();
  else if (!door.open) void door.knock();
  else if (!seat || seat.state === "idle") void join();
  else void seat.retry();
});
const door = new Door(address, {
  open: (about) => {
    title = about.name || title;
    byId("room", HTMLElement).textContent = document.title = title;
    tongue.offer(about.languages, [preferences.choices.hears, ...navigator.languages]);
    people.show(about);
    hearing.enable(about.languages.length > 0);
  },
  trouble: (trouble, againAt) => banner.show(trouble, againAt),
});
const hearing = new Hearing({
  talk: () => (seat && seat.state !== "idle" ? seat.leave() : void join()),
  hold,
  silence: () => seat?.sound.voice?.silence(),
  volume: (volume) => {
    preferences.set({ volume });
    seat?.adjust(preferences.choices);
  },
}, preferences.choices.volume);
const follow = new Follow(byId("scroll", HTMLElement), byId("newer", HTMLElement));
const log = byId("log", HTMLElement);
const said = new Said({ log, now: byId("now", HTMLElement) }, follow, {
  direction: (tag) => tongue.direction(tag),
  name: (speaker) => people.name(speaker),
});
const pocket = new Pocket({ hold, leave: () => seat?.leave() });
const awake = new Awake(() => {
  void seat?.sound.wake();
  if (!hearing.held) pocket.hold(false);
});

new Look(preferences);
byId("language", HTMLElement).addEventListener("focus", () => door.freshen());
byId("open-settings", HTMLElement).addEventListener("click", () => byId("settings", HTMLDialogElement).showModal());
skip(log);
// Another link of the same room was put in its place.
window.addEventListener("hashchange", () => location.reload());
// Who closes the page has left; who only looks at another one has not.
window.addEventListener("pagehide", ({ persisted }) => persisted || seat?.close());
void door.knock();
