// Proves that a room is found from its link, below any path, and that links lead back to it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { listenLink, ofPage, onlyHere, secretsIn, speakLink } from "../../../../gateway/web/room/address.js";

const ROOT = new URL("https://example.org/talk/");

test("a link leads to the page that reads the same from it", () => {
  for (const invitation of [undefined, "for-listening"]) {
    const url = new URL(speakLink(ROOT, { room: "a b", secret: "for-speaking", invitation }));
    assert.equal(url.pathname, "/talk/r/a%20b/speak");
    assert.deepEqual(ofPage(url), { room: "a b", secret: "for-speaking", invitation });
  }
  const listen = new URL(listenLink(ROOT, "room", "s"));
  assert.equal(listen.href, "https://example.org/talk/r/room#s");
  assert.deepEqual(ofPage(listen), { room: "room", secret: "s", invitation: undefined });
});

test("secrets stand in the fragment alone, which no request carries", () => {
  const url = new URL(speakLink(ROOT, { room: "r", secret: "one", invitation: "two" }));
  assert.equal(url.search, "");
  assert.equal(url.hash, "#one&listen=two");
});

test("a link that lost its end has no secret", () => {
  assert.deepEqual(secretsIn(""), { secret: "", invitation: undefined });
  assert.equal(ofPage({ pathname: "/elsewhere", hash: "#x" }).room, "");
});

test("a name that every device gives itself leads others nowhere", () => {
  for (const host of ["localhost", "talk.localhost", "127.0.0.1", "[::1]"]) assert.ok(onlyHere(host), host);
  for (const host of ["talk.example.org", "192.168.1.5", "mylocalhost.org"]) assert.ok(!onlyHere(host), host);
});
