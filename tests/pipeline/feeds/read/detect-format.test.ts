import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { DETECT_BYTES } from '../../../../shared/format/feed-text/detect.ts';
import {
  detectFormat,
  judged,
  type ReaderName,
} from '../../../../shared/pipeline/feeds/read/detect-format.ts';
import { bundleOf, bytesOf, type Document, inPieces, stixIndicator } from './reading.ts';

const detect = (document: Document): ReaderName => detectFormat(bytesOf(document));

describe('the front of a document', () => {
  for (const [what, document, reader] of [
    ['nothing', '', 'text'],
    ['comments alone', '# a list\n', 'text'],
    ['an address', '45.66.64.1\n', 'text'],
    ['columns behind an address', '45.66.64.1,scanner,2026\n', 'text'],
    ['a name', 'evil.example.com\n', 'text'],
    ['a quoted header', '"ip","port"\n', 'csv'],
    ['a bare header', 'ip,port\n45.66.64.1,1\n', 'csv'],
    ['a table under a banner', '# abuse.ch\r\n"2026","45.66.64.1"\r\n', 'csv'],
    ['an object of a record', '{"ip":"45.66.64.1"}', 'json'],
    ['a list', '["45.66.64.1"]', 'json'],
    ['a list of objects', '[\n  {"ip":"45.66.64.1"}\n]', 'json'],
    ['a MISP event', '{"Event":{"Attribute":[],"objects":[1]}}', 'json'],
    ['an object under `objects`', '{"objects":{"type":"bundle"}}', 'json'],
    ['a bundle further in', '{"data":{"type":"bundle","objects":[]}}', 'json'],
    ['a list with the words of a bundle', '["type","bundle","objects",[]]', 'json'],
    ['a text that says bundle', '{"name":"type","x":"bundle"}', 'json'],
    ['a bundle', bundleOf(stixIndicator(1)), 'stix'],
    [
      'a bundle over lines',
      JSON.stringify(JSON.parse(bundleOf(stixIndicator(1))), null, 2),
      'stix',
    ],
    ['a bundle with its objects first', '{"objects":[{}],"id":"x","type":"bundle"}', 'stix'],
    ['a bundle without objects', '{"type":"bundle","id":"x"}', 'stix'],
    ['an envelope of TAXII', '{"more":true,"next":"2","objects":[', 'stix'],
    ['a bundle behind a byte order mark', '\ufeff{"type":"bundle"', 'stix'],
    ['a bundle whose id is written with escapes', '{"\\u0074ype":"bundle"', 'stix'],
    ['records a line', '{"ip":"45.66.64.1"}\n{"ip":"45.66.64.2"}\n', 'jsonl'],
    ['records a line with blanks around', '\n {"a":1} \r\n\r\n {"b":2', 'jsonl'],
    ['records a line behind a byte order mark', '\ufeff{"a":1}\n{"b":2}', 'jsonl'],
    ['one record on one line', '{"ip":"45.66.64.1"}\n', 'json'],
    ['an object over lines', '{\n"a": {\n}}', 'json'],
    ['an object that breaks on its first line', '{"a":1\n{"b":2}', 'json'],
  ] as const) {
    it(`${what}: ${reader}`, () => assert.equal(detect(document), reader));
  }

  for (const [what, document, message] of [
    ['a page', '<!DOCTYPE html><html>', /HTML or XML/],
    ['a page behind blank lines', '\n\n  <html>', /HTML or XML/],
    ['an archive', 'PK\u0003\u0004', /ZIP/],
    ['UTF-16', Buffer.from('\ufeff45.66.64.1', 'utf16le'), /UTF-16/],
  ] as const) {
    it(`${what}: nothing reads it`, () => {
      assert.throws(() => detect(document), { code: 'noReader', message });
    });
  }

  it('shows a bundle beside a byte that is not UTF-8', () => {
    const document = Buffer.from('{"name":"caf\xe9","type":"bundle","objects":[', 'latin1');
    assert.equal(detect(document), 'stix');
  });

  it('shows a bundle up to where its JSON breaks', () => {
    assert.equal(detect('{"type":"bundle",,'), 'stix');
    assert.equal(detect('{x,"type":"bundle"'), 'json');
  });

  it('may name members as an object of JavaScript does', () => {
    assert.equal(detect('{"__proto__":{"type":"bundle"},"constructor":[]}'), 'json');
    assert.equal(detect('{"__proto__":[],"type":"bundle"}'), 'stix');
  });

  it('may nest as deep as it is long', () => {
    assert.equal(detect(`{"a":${'['.repeat(DETECT_BYTES)}`), 'json');
    assert.equal(detect('['.repeat(DETECT_BYTES)), 'json');
  });
});

describe('judging bytes that come in pieces', () => {
  const long = Buffer.alloc(DETECT_BYTES + 5000, 'x');

  for (const [what, bytes, sizes] of [
    ['nothing', Buffer.alloc(0), [1]],
    ['less than a front', long.subarray(0, 1000), [1, 7, 1000]],
    ['exactly a front', long.subarray(0, DETECT_BYTES), [4096, DETECT_BYTES]],
    ['more than a front', long, [1000, 65_537, long.length]],
  ] as const) {
    it(`sees the front of ${what} once, and passes everything on`, async () => {
      for (const size of sizes) {
        const fronts: Uint8Array[] = [];
        const passed = await buffer(judged(inPieces(bytes, size), (front) => fronts.push(front)));
        assert.deepEqual(passed, Buffer.from(bytes));
        assert.deepEqual(
          fronts.map((front) => Buffer.from(front)),
          [Buffer.from(bytes.subarray(0, DETECT_BYTES))],
        );
      }
    });
  }

  it('passes nothing on that was refused', async () => {
    const refusing = judged(inPieces(long, 1000), () => {
      throw new RangeError('no');
    });
    await assert.rejects(refusing.next(), RangeError);
  });
});
