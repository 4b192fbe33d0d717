/** The page where somebody speaks: joins the conversation, what is seen of it, and what the user chooses. */

import { Preferences, storage } from "./preferences.js";
import { Mirror } from "./session/mirror.js";
import { Talk } from "./session/talk.js";
import { Transcript } from "./session/transcript.js";
import { Awake } from "./view/awake.js";
import { Banner } from "./view/banner.js";
import { Dock } from "./view/dock.js";
import { byId } from "./view/dom.js";
import { Follow } from "./view/follow.js";
import { Health } from "./view/health.js";
import { Job } from "./view/job.js";
import { LanguageBar } from "./view/language-bar.js";
import { Lines } from "./view/lines.js";
import { Remark } from "./view/remark.js";
import { River } from "./view/river.js";
import { Saving } from "./view/saving.js";
import { Settings } from "./view/settings.js";
import { toast } from "./view/toast.js";

/** @typedef {import("./troubles.js").Act} Act */
/** @typedef {import("./session/transcript.js").Change} Change */

const preferences = new Preferences(storage());
const transcript = new Transcript();
let offered = false;

/** What is remembered, with the languages that this server offers now. */
const choices = () => ({ ...preferences.choices, ...bar.pair });

/** @param {Change} change */
function show(change) {
  if (change.changed.length) byId("welcome", HTMLElement).hidden = true;
  lines.show(change);
  mirror.show(change);
  saving.refresh();
}

/** @param {Act} act */
function help(act) {
  if (act === "settings") settings.open();
  else if (act === "languages") bar.focus();
  else if (act === "reload") location.reload();
  else if (job.busy) job.retry();
  else if (!offered) void bar.load();
  else if (talk.state === "idle") void talk.start();
  else void talk.retry();
}

const banner = new Banner(help);
const remark = new Remark();
const talk = new Talk(transcript, preferences.choices, {
  state: (state) => {
    dock.show(state);
    dock.enable(offered && !job.busy);
    awake.keep(state !== "idle");
    if (state === "idle") river.clear();
    if (state === "idle" || state === "live") remark.clear();
  },
  trouble: (trouble, againAt) => banner.show(trouble, againAt),
  lines: show,
  level: (level) => {
    dock.sound(level);
    river.push(level);
  },
  notice: toast,
  remark: (...what) => remark.show(...what),
}, { audible: true });

const awake = new Awake(() => void talk.sound.wake());
const river = new River(byId("river", HTMLCanvasElement), () => talk.sound.voice?.level ?? 0);
const dock = new Dock({
  talk: () => (talk.state === "idle" ? void talk.start() : talk.stop()),
  mute: (on) => talk.sound.mute(on),
  hold: (on) => talk.sound.voice?.hold(on),
  commit: () => talk.commit(),
  silence: () => talk.sound.voice?.silence(),
});
const bar = new LanguageBar(preferences.choices, {
  changed: () => {
    preferences.set(bar.pair);
    talk.change(choices());
  },
  ready: (pairs) => {
    offered = pairs;
    talk.adjust(choices());
    dock.enable(offered && !job.busy);
  },
  trouble: (trouble, againAt) => {
    if (talk.state === "idle") banner.show(trouble, againAt);
  },
});
const settings = new Settings(preferences, {
  adjusted: () => talk.adjust(choices()),
  reopen: () => void talk.reopen(choices()),
  recut: () => talk.recut(choices()),
});
const follow = new Follow(byId("scroll", HTMLElement), byId("newer", HTMLElement));
const lines = new Lines(
  { log: byId("log", HTMLElement), now: byId("now", HTMLElement), earlier: byId("earlier", HTMLElement) },
  follow,
  transcript,
  {
    direction: (tag) => bar.direction(tag),
    canRescue: (id) => talk.canRescue(id),
    rescue: (id) => talk.rescue(id),
  },
);
const mirror = new Mirror(transcript, (tag) => bar.direction(tag));
const saving = new Saving(transcript);
new Health(transcript, talk);
const job = new Job(transcript, {
  choices: () => {
    if (talk.state === "idle" && offered) return choices();
    toast(offered ? "Stop speaking first, then drop the recording." : "The server cannot translate right now.");
    return undefined;
  },
  lines: show,
  trouble: (trouble, againAt) => banner.show(trouble, againAt),
  begins: (name) => lines.divide(name),
  busy: (busy) => dock.enable(offered && !busy),
});

void bar.load();
