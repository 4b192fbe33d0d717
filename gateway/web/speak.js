/** The page of who speaks in a room, and hears the others in their own language. */

import * as languages from "./languages.js";
import { Preferences, storage } from "./preferences.js";
import { listenLink, ofPage, speakLink } from "./room/address.js";
import * as api from "./room/api.js";
import { Conversation } from "./room/conversation.js";
import { Door } from "./room/door.js";
import { Seat } from "./room/seat.js";
import { ROOM } from "./room/troubles.js";
import { NO_LANGUAGES } from "./troubles.js";
import { Awake } from "./view/awake.js";
import { Banner } from "./view/banner.js";
import { Dock } from "./view/dock.js";
import { byId } from "./view/dom.js";
import { Follow } from "./view/follow.js";
import { Invitation } from "./view/invitation.js";
import { People } from "./view/people.js";
import { Remark } from "./view/remark.js";
import { River } from "./view/river.js";
import { Said } from "./view/said.js";
import { Settings } from "./view/settings.js";
import { skip } from "./view/skip.js";
import { toast } from "./view/toast.js";
import { Tongue } from "./view/tongue.js";

/** @typedef {import("./session/talk.js").State} State */

const preferences = new Preferences(storage());
const address = ofPage(location);
const name = byId("name", HTMLInputElement);
const log = byId("log", HTMLElement);
const invite = byId("invite", HTMLDialogElement);
const ending = byId("end", HTMLDialogElement);

/** @type {Seat | undefined} */
let seat;
const running = () => seat !== undefined && seat.state !== "idle";

async function join() {
  const { value: source } = speaks;
  const { value: language } = hears;
  preferences.set({ name: name.value.trim(), source, hears: language || preferences.choices.hears });
  byId("welcome", HTMLElement).hidden = true;
  /** @type {"both" | "speaker"} */
  const role = language ? "both" : "speaker";
  const wish = { ...address, role, name: name.value.trim(), source, language };
  seat = new Seat(conversation, wish, preferences.choices, handlers);
  await seat.join();
}

/** @param {State} state */
function show(state) {
  dock.show(state);
  awake.keep(state !== "idle");
  name.disabled = state !== "idle";
  // Who began without a voice has none to hear the others with.
  hears.settle(state !== "idle");
  if (state === "idle") river.clear();
  if (state === "idle" || state === "live") remark.clear();
}

/** @param {api.About} about */
async function enter(about) {
  if (about.role === "listener") return banner.show(ROOM.listen_only);
  const title = about.name || "speechbridge";
  byId("room", HTMLElement).textContent = document.title = title;
  const offer = await api.languages().catch(refused);
  if (!offer) return;
  const { choices } = preferences;
  const spoken = languages.sources(offer).map(({ tag, name }) => ({ tag, name, rtl: false }));
  speaks.offer(spoken, [choices.source, ...navigator.languages]);
  hears.offer(about.languages, [choices.hears, ...navigator.languages].filter(Boolean));
  people.show(about);
  for (const id of ["open-invite", "open-end"]) byId(id, HTMLButtonElement).disabled = false;
  dock.enable(spoken.length > 0);
  if (spoken.length === 0) banner.show(NO_LANGUAGES);
}

/** @param {unknown} error */
function refused(error) {
  if (!(error instanceof api.Refused)) throw error;
  banner.show(error.trouble);
}

async function end() {
  try {
    await api.end(address.room, address.secret);
    banner.show(ROOM.room_ended);
  } catch (error) {
    refused(error);
  }
}

/** @type {import("./room/seat.js").Handlers} */
const handlers = {
  state: show,
  trouble: (trouble, againAt) => banner.show(trouble, againAt),
  lines: (change) => said.show(change),
  people: (now) => {
    people.show(now);
    if (now.speakers.some(({ language }) => language !== languages.AUTO && !hears.offers(language))) door.again();
  },
  language: (tag) => hears.show(tag),
  level: (level) => {
    dock.sound(level);
    river.push(level);
  },
  notice: toast,
  remark: (...what) => remark.show(...what),
};

const conversation = new Conversation();
const remark = new Remark();
const speaks = new Tongue(byId("source", HTMLSelectElement), (source) => {
  preferences.set({ source });
  if (running()) seat?.turn({ source });
});
const hears = new Tongue(byId("target", HTMLSelectElement), (tag) => {
  if (tag) preferences.set({ hears: tag });
  if (running()) seat?.turn({ language: tag });
});
const people = new People(byId("people", HTMLElement), (tag) => hears.name(tag), { audience: true });
const banner = new Banner((act) => {
  if (act === "languages") hears.focus();
  else if (act === "reload") location.reload();
  else if (act === "settings") settings.open();
  else if (act === "listen") location.assign(listenLink(api.ROOT, address.room, address.secret));
  else if (speaks.value === "") void door.knock();
  else if (!running()) void join();
  else void seat?.retry();
});
const door = new Door(address, {
  open: (about) => void enter(about),
  trouble: (trouble, againAt) => banner.show(trouble, againAt),
});
const dock = new Dock({
  talk: () => (running() ? seat?.leave() : void join()),
  mute: (on) => seat?.sound.mute(on),
  hold: (on) => seat?.sound.voice?.hold(on),
  commit: () => seat?.commit(),
  silence: () => seat?.sound.voice?.silence(),
}, { idle: { label: "Speak", status: "Ready" } });
const river = new River(byId("river", HTMLCanvasElement), () => seat?.sound.voice?.level ?? 0);
const settings = new Settings(preferences, {
  adjusted: () => seat?.adjust(preferences.choices),
  reopen: () => void seat?.reopen(preferences.choices),
  recut: () => seat?.recut(preferences.choices),
});
const follow = new Follow(byId("scroll", HTMLElement), byId("newer", HTMLElement));
const said = new Said({ log, now: byId("now", HTMLElement) }, follow, {
  direction: (tag) => hears.direction(tag),
  name: (speaker) => people.name(speaker),
});
const invitation = new Invitation(byId("links", HTMLElement));
const awake = new Awake(() => void seat?.sound.wake());

name.value = preferences.choices.name;
byId("open-invite", HTMLElement).addEventListener("click", () => {
  const { room, invitation: secret } = address;
  const listen = secret ? listenLink(api.ROOT, room, secret) : undefined;
  invitation.show({ listen, speak: speakLink(api.ROOT, address) });
  invite.showModal();
});
byId("open-end", HTMLElement).addEventListener("click", () => ending.showModal());
ending.addEventListener("close", () => ending.returnValue === "end" && void end());
skip(log);
window.addEventListener("hashchange", () => location.reload());
window.addEventListener("pagehide", ({ persisted }) => persisted || seat?.close());
void door.knock();
