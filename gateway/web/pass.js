/** The page for two people with one device: each half reads and hears what the other one says. */

import * as languages from "./languages.js";
import { Half } from "./pass/half.js";
import { choices, OTHER, plan, settle, terms } from "./pass/plan.js";
import { Turns } from "./pass/turns.js";
import { Preferences, storage } from "./preferences.js";
import { waitMs } from "./session/retry.js";
import { Talk } from "./session/talk.js";
import { Transcript } from "./session/transcript.js";
import { NO_LANGUAGES } from "./troubles.js";
import { Awake } from "./view/awake.js";
import { Banner } from "./view/banner.js";
import { byId, mark } from "./view/dom.js";
import { fetched } from "./view/language-bar.js";
import { Look } from "./view/look.js";
import { Remark } from "./view/remark.js";
import { Settings } from "./view/settings.js";
import { toast } from "./view/toast.js";

/** @typedef {import("./pass/plan.js").Side} Side */

const SIDES = /** @type {const} */ (["near", "far"]);
/** What is still on its way from the mouth when a button is let go. */
const TAIL_MS = 250;
/** Loudness that fills the ring; speech at arm's length has an RMS of about 0.1. */
const FULL_LEVEL = 0.25;

const preferences = new Preferences(storage());
const transcript = new Transcript();
const start = byId("talk", HTMLButtonElement);
const status = byId("status", HTMLElement);
const hint = byId("hint", HTMLElement);

/** @type {import("./languages.js").Offer | undefined} */
let offer;
let pair = { near: preferences.choices.source, far: preferences.choices.target };
/** @type {import("./pass/plan.js").Plan} */
let planned = { detects: false, speaks: { near: false, far: false } };
/** Whether the server has refused to tell these two apart, although it tells others. */
let alike = false;
let attempt = 0;
let waiting = 0;
let ending = 0;

const direction = (/** @type {string} */ tag) => (offer ? languages.direction(offer, tag) : "ltr");
const named = (/** @type {Side} */ side) => (offer ? languages.name(offer, pair[side]) : "");
/** @param {Side} [speaking] */
const wish = (speaking) => ({ ...preferences.choices, ...terms(pair, planned.detects ? undefined : speaking) });
const running = () => talk.state === "live" || talk.state === "waiting";

const banner = new Banner((act) => {
  if (act === "settings") settings.open();
  else if (act === "languages") halves.far.focus();
  else if (act === "reload") location.reload();
  else if (!offer) void load();
  else if (talk.state === "idle") void begin();
  else void talk.retry();
});
const remark = new Remark();
const talk = new Talk(transcript, preferences.choices, {
  state: show,
  trouble: (trouble, againAt) => {
    alike ||= trouble?.code === "cannot_detect";
    if (trouble?.code === "cannot_detect") choose(pair, "near");
    else banner.show(trouble, againAt);
  },
  lines: (change) => SIDES.forEach((side) => halves[side].show(change)),
  level: (level) => start.style.setProperty("--level", Math.min(1, level / FULL_LEVEL).toFixed(2)),
  notice: toast,
  remark: (...what) => remark.show(...what),
}, { audible: true });
const awake = new Awake(() => void talk.sound.wake());
const turns = new Turns({
  begin: (side) => {
    window.clearTimeout(ending);
    talk.turn(wish(side));
    talk.sound.mute(false);
    talk.sound.voice?.expect(performance.now());
    told();
  },
  end: () => {
    ending = window.setTimeout(() => {
      talk.sound.mute(true);
      talk.commit();
    }, TAIL_MS);
    told();
  },
});
const halves = { near: half("near"), far: half("far") };
new Look(preferences);
const settings = new Settings(preferences, {
  adjusted: () => talk.adjust(wish(turns.speaking ?? "near")),
  reopen: () => void talk.reopen(wish(turns.speaking ?? "near")),
  recut: () => talk.recut(wish(turns.speaking ?? "near")),
});

/** @param {Side} side */
function half(side) {
  return new Half(side, {
    language: (tag) => {
      alike = false;
      choose({ ...pair, [side]: tag }, side);
      preferences.set({ source: pair.near, target: pair.far });
    },
    direction,
    press: (now) => running() && turns.press(side, now),
    release: (now) => turns.release(side, now),
    toggle: () => running() && turns.toggle(side),
  });
}

/** Within a tap or key. */
function begin() {
  talk.adjust(wish("near"));
  // Nobody has taken a turn yet.
  talk.sound.mute(!planned.detects);
  return talk.start();
}

/** @param {import("./session/talk.js").State} state */
function show(state) {
  const runs = state === "live" || state === "waiting";
  awake.keep(state !== "idle");
  if (state === "idle" || state === "live") remark.clear();
  if (!runs) {
    turns.end();
    window.clearTimeout(ending);
  }
  start.textContent = { idle: "Start", starting: "Cancel", live: "Stop", waiting: "Stop", ending: "End now" }[state];
  if (state === "idle") start.style.setProperty("--level", "0");
  mark(start, "live", runs);
  hint.hidden = state !== "idle";
  for (const side of SIDES) {
    halves[side].settle(state !== "idle");
    halves[side].enable(runs && planned.speaks[side]);
  }
  told();
}

/** What goes on, in one line. */
function told() {
  const live = planned.detects ? "Listening to both" : "Press your button and speak";
  const text = {
    idle: "Ready",
    starting: "Asking for the microphone",
    live: turns.speaking ? `Listening to ${named(turns.speaking)}` : live,
    waiting: "Not connected; listening all the same",
    ending: "Finishing what was said",
  }[talk.state];
  for (const side of SIDES) halves[side].speak(turns.speaking === side);
  if (status.textContent !== text) status.textContent = text;
}

/** Asks the server what it offers, until it offers something. */
async function load() {
  window.clearTimeout(waiting);
  const told = await fetched();
  if (!told.offer?.pairs.length) {
    const wait = waitMs(attempt++, Math.random());
    waiting = window.setTimeout(load, wait);
    return banner.show(told.refusal ?? NO_LANGUAGES, performance.now() + wait);
  }
  offer = told.offer;
  banner.show(undefined);
  choose(pair, "near");
  start.disabled = false;
}

/**
 * @param {import("./pass/plan.js").Pair} wanted
 * @param {Side} kept which of the two stays as it is wanted
 */
function choose(wanted, kept) {
  const other = OTHER[kept];
  const first = { near: wanted[kept], far: wanted[other] };
  const settled = offer && settle(offer, first, navigator.languages);
  if (!offer || !settled) return;
  pair = kept === "near" ? settled : { near: settled.far, far: settled.near };
  planned = plan(alike ? { ...offer, detects: false } : offer, pair);
  halves.near.choose(choices(offer), pair.near, named("near"));
  halves.far.choose(choices(offer, pair.near), pair.far, named("far"));
  for (const side of SIDES) halves[side].turns(!planned.detects);
  hint.textContent = advice();
}

/** What has to be known before it starts. */
function advice() {
  if (planned.detects) return "Talk one after the other: which of the two languages it is, is heard.";
  const mute = SIDES.filter((side) => !planned.speaks[side]).map(named);
  const how = "This server cannot hear which of the two is spoken: hold or tap the button of your half while you speak.";
  return mute.length ? `${how} ${mute.join(" and ")} can be read and heard, but not understood.` : how;
}

start.addEventListener("click", () => (talk.state === "idle" ? void begin() : talk.stop()));
void load();
