import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeMessage } from '../../../shared/format/device-message/decode-message.ts';

/**
 * A body of words, bytes and halves by position: for structures that no encoder makes. The defaults are a message at 4
 * with its vtable at 64, an empty id at 80 and no events at 88.
 */
function bodyOf(changes: (view: DataView) => void, bytes = 160): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  const words: [number, number][] = [
    [0, 4],
    [4, 4 - 64], // the message: its vtable lies behind
    [8, 80 - 8], // id
    [12, 88 - 12], // events
  ];
  for (const [at, word] of words) view.setInt32(at, word, true);
  halves(view, 64, [12, 12, 4, 0, 0, 8]);
  changes(view);
  return new Uint8Array(view.buffer);
}

function halves(view: DataView, at: number, values: readonly number[]): void {
  for (const [i, value] of values.entries()) view.setUint16(at + 2 * i, value, true);
}

/** One event at 96, its vtable at 124; its payload at 140 is an empty table with its vtable at 144. */
function withEvent(view: DataView): void {
  view.setInt32(88, 1, true);
  view.setInt32(92, 96 - 92, true);
  view.setInt32(96, 96 - 124, true);
  view.setUint8(116, 2); // SystemInformation
  view.setInt32(120, 140 - 120, true);
  halves(view, 124, [14, 28, 4, 0, 0, 20, 24]);
  view.setInt32(140, 140 - 144, true);
  halves(view, 144, [4, 4]);
}

function verdict(changes: (view: DataView) => void): string {
  const decoded = decodeMessage(bodyOf(changes));
  return 'refused' in decoded ? decoded.refused : 'message';
}

describe('a message made by hand', () => {
  it('is read', () => {
    assert.deepEqual(decodeMessage(bodyOf(() => {})), {
      message: { securityModuleId: '', securityModuleVersion: 0, timezone: 0, events: [] },
    });
  });

  it('is read with an event', () => {
    const decoded = decodeMessage(bodyOf(withEvent));
    assert.ok('message' in decoded);
    assert.deepEqual(decoded.message.events, [
      {
        id: '00000000-0000-0000-0000-000000000000',
        time: 0,
        collectionInterval: 0,
        payloadType: 'SystemInformation',
        payload: { osInfo: null, kernelInfo: null, hwInfo: null },
      },
    ]);
  });

  const refused: readonly [string, string, (view: DataView) => void][] = [
    ['whose root offset is 0', 'truncated', (v) => v.setInt32(0, 0, true)],
    ['whose root offset is 2^31', 'truncated', (v) => v.setUint32(0, 2 ** 31, true)],
    [
      'whose root offset leads to the last three bytes',
      'truncated',
      (v) => v.setInt32(0, 157, true),
    ],
    ['whose vtable lies before the body', 'badVtable', (v) => v.setInt32(4, 5, true)],
    ['whose vtable lies behind the body', 'truncated', (v) => v.setInt32(4, 4 - 157, true)],
    ['whose vtable runs past the end', 'truncated', (v) => halves(v, 64, [98])],
    ['whose vtable is too short to be one', 'badVtable', (v) => halves(v, 64, [3])],
    ['whose table is too short to be one', 'badVtable', (v) => halves(v, 64, [12, 3])],
    ['whose table runs past the end', 'truncated', (v) => halves(v, 64, [12, 157])],
    ['whose id lies outside its table', 'badVtable', (v) => halves(v, 68, [9])],
    ['whose version lies outside its table', 'badVtable', (v) => halves(v, 70, [9])],
    ['whose timezone lies outside its table', 'badVtable', (v) => halves(v, 72, [12])],
    ['whose events lie outside their table', 'badVtable', (v) => halves(v, 74, [9])],
    ['without an id', 'missingField', (v) => halves(v, 68, [0])],
    ['without events', 'missingField', (v) => halves(v, 74, [0])],
    ['whose vtable ends before the events', 'missingField', (v) => halves(v, 64, [10])],
    ['whose id has no NUL behind it', 'badString', (v) => v.setUint8(84, 1)],
    ['whose id reaches to the last byte', 'truncated', (v) => v.setInt32(80, 76, true)],
    ['whose id is 4 GB long', 'truncated', (v) => v.setUint32(80, 0xffff_ffff, true)],
    ['whose events are more than the body holds', 'truncated', (v) => v.setInt32(88, 18, true)],
    [
      'whose events are 2^30 and wrap around',
      'truncated',
      (v) => v.setInt32(88, 2 ** 30 + 1, true),
    ],
    ['whose events are negative', 'truncated', (v) => v.setInt32(88, -1, true)],
  ];
  for (const [what, reason, change] of refused) {
    it(`${what} is refused as ${reason}`, () => assert.equal(verdict(change), reason));
  }

  const refusedEvents: readonly [string, string, (view: DataView) => void][] = [
    ['at itself', 'truncated', (v) => v.setInt32(92, 0, true)],
    ['beyond the body', 'truncated', (v) => v.setInt32(92, 1000, true)],
    ['with a vtable before the body', 'badVtable', (v) => v.setInt32(96, 98, true)],
    ['with a vtable behind the body', 'truncated', (v) => v.setInt32(96, -100, true)],
    ['with a vtable past the end', 'truncated', (v) => halves(v, 124, [38])],
    ['with a vtable too short to be one', 'badVtable', (v) => halves(v, 124, [2])],
    ['with a table past the end', 'truncated', (v) => halves(v, 124, [14, 65])],
    ['without an id', 'missingField', (v) => halves(v, 128, [0])],
    ['without a payload', 'missingField', (v) => halves(v, 136, [0])],
    ['without a payload type', 'badPayload', (v) => halves(v, 134, [0])],
    ['with the payload type NONE', 'badPayload', (v) => v.setUint8(116, 0)],
    ['with an id outside its table', 'badVtable', (v) => halves(v, 128, [13])],
    ['with a time outside its table', 'badVtable', (v) => halves(v, 130, [25])],
    ['with an interval outside its table', 'badVtable', (v) => halves(v, 132, [25])],
    ['with a payload type outside its table', 'badVtable', (v) => halves(v, 134, [28])],
    ['with a payload outside its table', 'badVtable', (v) => halves(v, 136, [25])],
  ];
  for (const [what, reason, change] of refusedEvents) {
    it(`with an event ${what} is refused as ${reason}`, () => {
      const changed = (view: DataView) => {
        withEvent(view);
        change(view);
      };
      assert.equal(verdict(changed), reason);
    });
  }
});
