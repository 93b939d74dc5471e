/**
 * The authority record's file, cut at every byte of a write, damaged and too small.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { StoreUnavailableError } from "../../../src/errors.ts";
import {
  type AuthorityRecord,
  decodeHeader,
  decodeSlot,
  encodeFile,
  encodeHeader,
  encodeSlot,
  HEADER_BYTES,
  RECORD_FILE_BYTES,
  RecordFile,
  slotOffset,
} from "../../../src/open/failover/record.ts";
import { propertyRuns } from "../../support/property.ts";

const FIRST: AuthorityRecord = {
  store: "redis",
  epoch: 1,
  sinceMs: 1_800_000_000_000,
  reason: "first use",
  others: [],
  sitesAtMs: 0,
  memory: 0,
  aheadMs: 0,
  mirror: 1,
  outage: 0,
};
const SECOND: AuthorityRecord = {
  ...FIRST,
  store: "directory",
  epoch: 2,
  reason: "Redis refuses connections",
  others: [{ site: "site_b", lastSeenMs: 5 }],
  aheadMs: -3.5,
  outage: 2,
  moving: { memory: 1e15 },
};

async function withFile(
  bytes: Uint8Array<ArrayBuffer>,
  body: (file: RecordFile, path: string) => void,
): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "agentcoord-test-" });
  Deno.writeFileSync(path, bytes);
  const file = new RecordFile(path, Deno.openSync(path, { read: true, write: true }));
  try {
    body(file, path);
  } finally {
    file.close();
    Deno.removeSync(path);
  }
}

Deno.test("an authority record is read as it was written, each time", async () => {
  await withFile(encodeFile(FIRST), (file, path) => {
    assert.deepEqual(file.read(), FIRST);
    for (const record of [SECOND, FIRST, SECOND]) {
      file.write(record);
      assert.deepEqual(file.read(), record);
      assert.deepEqual(file.peek(), record);
    }
    assert.equal(Deno.statSync(path).size, RECORD_FILE_BYTES);
  });
});

Deno.test("an authority record is parsed again only when the header has changed", async () => {
  await withFile(encodeFile(FIRST), (file, path) => {
    assert.equal(file.read(), file.read());
    const other = new RecordFile(path, Deno.openSync(path, { read: true, write: true }));
    other.write(SECOND);
    other.close();
    assert.deepEqual(file.read(), SECOND);
  });
});

/** What the file holds after `bytes` of the two writes that replace the first record were made. */
function cutAt(bytes: number): Uint8Array<ArrayBuffer> {
  const file = encodeFile(FIRST);
  const slot = encodeSlot(2, SECOND);
  file.set(slot.subarray(0, bytes), slotOffset(2));
  file.set(encodeHeader(2).subarray(0, Math.max(bytes - slot.length, 0)));
  return file;
}

Deno.test("a write that was cut at any byte leaves the old authority record or the new one", async () => {
  const slot = encodeSlot(2, SECOND);
  const text = slot.findLastIndex((byte) => byte !== 0) + 1;
  const cuts = [...Array(text + 1).keys()];
  for (let at = 0; at <= HEADER_BYTES; at++) cuts.push(slot.length + at);
  for (const at of cuts) {
    await withFile(cutAt(at), (file) => {
      const { epoch } = file.read();
      if (at < slot.length) assert.equal(epoch, 1, `cut at ${at}`);
      if (at === slot.length + HEADER_BYTES) assert.equal(epoch, 2);
      // The next change is not confused by what is left.
      file.write({ ...FIRST, epoch: 3 });
      assert.equal(file.read().epoch, 3, `after a cut at ${at}`);
    });
  }
});

Deno.test("a damaged authority record is refused with its name and never made anew", async () => {
  const cut = encodeFile(FIRST).subarray(0, HEADER_BYTES + 5);
  const flipped = encodeFile(FIRST);
  flipped[slotOffset(1) + 40]! ^= 1;
  const zeros = new Uint8Array(RECORD_FILE_BYTES);
  const text = new TextEncoder().encode("{}");
  for (const bytes of [cut, flipped, zeros, text]) {
    await withFile(bytes, (file, path) => {
      const refused = (error: unknown) =>
        error instanceof StoreUnavailableError && error.message.includes(path) &&
        error.details.path === path;
      assert.throws(() => file.read(), refused);
      assert.throws(() => file.peek(), refused);
      assert.throws(() => file.write(SECOND), refused);
      assert.deepEqual(Deno.readFileSync(path), bytes);
    });
  }
});

Deno.test("a header or slot with one changed byte is known as torn", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(1e9),
      (place, change, sequence) => {
        const header = encodeHeader(sequence);
        assert.equal(decodeHeader(header), sequence);
        header[place % HEADER_BYTES]! ^= change;
        assert.equal(decodeHeader(header), undefined);
        const slot = encodeSlot(sequence, SECOND);
        assert.deepEqual(decodeSlot(slot), { sequence, record: SECOND });
        // What comes after the text means nothing.
        slot[place % 200]! ^= change;
        assert.equal(decodeSlot(slot), undefined);
      },
    ),
    { numRuns: propertyRuns() },
  );
});

Deno.test("an authority record that is too long keeps its start, and is never alone by that", () => {
  const others = Array.from({ length: 500 }, (_, index) => ({
    site: `site_${index}`,
    lastSeenMs: index,
  }));
  const { record } = decodeSlot(encodeSlot(1, { ...SECOND, others, reason: "é".repeat(9000) }))!;
  assert.ok(record.others.length > 10);
  assert.deepEqual(record.others, others.slice(0, record.others.length));
  assert.match(record.reason, /^é{400}$/);
});
