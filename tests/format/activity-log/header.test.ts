import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CloseHeader,
  decodeHeader,
  encodeHeader,
} from '../../../shared/format/activity-log/header.ts';
import { BlockFormatError } from '../../../shared/format/activity-log/layout.ts';
import { headerFor, testRow } from './blocks.ts';

const header = headerFor([testRow()], { lost: { from: 3, to: 7 }, fromSequence: 8, toSequence: 8 });
const asText = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const asObject = () => JSON.parse(asText(encodeHeader(header))) as Record<string, unknown>;
const decode = (value: unknown) => decodeHeader(Buffer.from(JSON.stringify(value)));

describe('the header of a data block', () => {
  it('comes back as it was, with a lost range and without', () => {
    assert.deepEqual(decodeHeader(encodeHeader(header)), header);
    assert.deepEqual(decodeHeader(encodeHeader({ ...header, lost: null })).kind, 'data');
  });

  it('is ASCII text with times that people can read', () => {
    const bytes = encodeHeader({ ...header, writer: 'Gerät \u{1f4a1}' });
    assert.ok(bytes.every((byte) => byte < 128));
    assert.match(asText(bytes), /"firstHubTime":"2026-08-22T12:00:00\.000Z"/);
    assert.match(asText(bytes), /"writer":"Ger\\u00e4t \\ud83d\\udca1"/);
    assert.equal(decodeHeader(bytes).writer, 'Gerät \u{1f4a1}');
  });

  it('is refused, by name, for every field that is missing or of another type', () => {
    const names = Object.keys(asObject());
    assert.equal(names.length, 20);
    for (const name of names) {
      const missing = asObject();
      delete missing[name];
      for (const value of [
        missing,
        { ...asObject(), [name]: [] },
        { ...asObject(), [name]: true },
      ]) {
        assert.throws(
          () => decode(value),
          (error) => error instanceof BlockFormatError && error.message.includes(name),
          name,
        );
      }
    }
  });

  it('is refused for a field within a field', () => {
    for (const [name, value] of [
      ['snapshot', { ordinal: -1, id: 'x' }],
      ['snapshot', { ordinal: 1 }],
      ['rows', { counted: 1, repeats: 0, quarantined: 0 }],
      ['rows', { counted: 0.5, repeats: 0, quarantined: 0, other: 0 }],
      ['lost', { from: 1 }],
    ] as const) {
      assert.throws(() => decode({ ...asObject(), [name]: value }), BlockFormatError);
    }
  });

  it('is refused for numbers and times that cannot be', () => {
    for (const fields of [
      { fromSequence: -1 },
      { toSequence: 2 ** 53 },
      { epoch: '0' },
      { lastHubTime: 'yesterday' },
      { lastHubTime: '2026-02-30T00:00:00.000Z' },
    ]) {
      assert.throws(() => decode({ ...asObject(), ...fields }), BlockFormatError);
    }
  });

  it('is refused when it ends before it begins', () => {
    assert.throws(
      () => decode({ ...asObject(), toSequence: 7 }),
      /toSequence 7 lies below fromSequence 8/,
    );
  });
});

describe('the header of a closing block', () => {
  const close: CloseHeader = {
    kind: 'close',
    index: 9,
    hour: '20260822T12',
    writer: 'writer-1',
    next: '20260822T12-000000.log',
    summary: {
      first: { epoch: 0, sequence: 3 },
      last: { epoch: 1, sequence: 5 },
      firstHubTime: 1_787_400_000_000,
      lastHubTime: 1_787_400_060_000,
      lastSnapshot: 4,
    },
  };

  it('comes back as it was', () => {
    assert.deepEqual(decodeHeader(encodeHeader(close)), close);
    const unknown = { ...close, summary: null };
    assert.deepEqual(decodeHeader(encodeHeader(unknown)), unknown);
  });

  it('has no summary where version 1 wrote it', () => {
    const { summary: _, ...fields } = close;
    assert.deepEqual(decode(fields), { ...close, summary: null });
  });

  it('is refused with half a summary', () => {
    const summary = { ...close.summary, firstHubTime: '2026-08-22T12:00:00.000Z' };
    for (const broken of [5, {}, summary, { ...summary, last: null }]) {
      assert.throws(() => decode({ ...close, summary: broken }), BlockFormatError);
    }
  });

  it('is refused without the file that goes on', () => {
    assert.throws(() => decode({ ...close, next: null }), /next must be text/);
  });
});

describe('a header that is no header', () => {
  it('is refused', () => {
    for (const value of [null, [], 5, 'data', {}])
      assert.throws(() => decode(value), BlockFormatError);
    assert.throws(() => decodeHeader(Buffer.from('{"kind":')), /does not parse/);
    assert.throws(() => decode({ ...asObject(), kind: 'later' }), /unknown kind later/);
  });
});
