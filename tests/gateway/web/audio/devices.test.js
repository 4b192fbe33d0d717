// Proves that a chosen device is found again, under another id too, and never a wrong one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { find } from "../../../../gateway/web/audio/devices.js";

const DESK = { id: "1", label: "Desk" };
const HEADSET = { id: "2", label: "Headset" };

test("a device is found by its id, else by its name", () => {
  assert.equal(find(HEADSET, [DESK, HEADSET]), HEADSET);
  assert.equal(find({ id: "old", label: "Headset" }, [DESK, HEADSET]), HEADSET);
  assert.equal(find({ id: "2", label: "renamed" }, [DESK, HEADSET]), HEADSET);
});

test("none is found where none was chosen, or it is away, or no names are told", () => {
  assert.equal(find(null, [DESK]), undefined);
  assert.equal(find(HEADSET, [DESK]), undefined);
  assert.equal(find({ id: "old", label: "" }, [{ id: "3", label: "" }]), undefined);
});
