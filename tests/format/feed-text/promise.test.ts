import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { promisedBy } from '../../../shared/format/feed-text/promise.ts';
import { TextFeedReader } from '../../../shared/format/feed-text/text-feed-reader.ts';

function promised(text: string): number | null {
  const bytes = Buffer.from(text, 'latin1');
  return promisedBy({ bytes, start: 0, end: bytes.length, number: 1, tooLong: false });
}

describe('a line that promises entries', () => {
  for (const [line, expected] of [
    ['# Entries         : 124703 unique IPs', 124_703],
    ['# Entries         : 4728 subnets, 611943424 unique IPs', 4728],
    ['#Entries:5', 5],
    ['#\tentries\t:\t5', 5],
    ['# Entries : 0 unique IPs', 0],
    ['# END 750 entries', 750],
    ['# END 750 entries\r', 750],
    ['#END 1 entries', 1],
    ['# end 750 Entries', 750],
    ['# Entries : 999999999', 999_999_999],
    ['# Entries : 1234567890', null],
    ['# Entries : many', null],
    ['# Entries 5', null],
    ['# Entries : -5', null],
    ['# Entries : 5x', null],
    ['# Number of Entries : 5', null],
    ['# END entries', null],
    ['# END 750', null],
    ['# END750 entries', null],
    ['# THE END 750 entries', null],
    ['## END 750 entries', null],
    ['Entries : 5', null],
    ['; Entries : 5', null],
    [' # Entries : 5', null],
    ['45.66.64.1 # END 5 entries', null],
    ['#', null],
    ['', null],
  ] as const) {
    it(`${JSON.stringify(line)}: ${String(expected)}`, () =>
      assert.equal(promised(line), expected));
  }

  it('is looked at within its own bytes only', () => {
    const bytes = Buffer.from('x\n# END 75 entries\n0');
    const line = { number: 1, tooLong: false };
    assert.equal(promisedBy({ bytes, start: 2, end: 18, ...line }), 75);
    assert.equal(promisedBy({ bytes, start: 2, end: 12, ...line }), null);
    assert.equal(promisedBy({ bytes, start: 0, end: 18, ...line }), null);
  });

  it('is answered at once, however long it is', () => {
    for (const blank of [' ', '\t', '#', '1']) {
      const line = `# Entries${blank.repeat(4_000_000)}`;
      const from = performance.now();
      assert.equal(promised(line), null);
      assert.equal(promised(`# END ${blank.repeat(4_000_000)}`), null);
      assert.ok(performance.now() - from < 1000);
    }
  });
});

describe('the promise of a list', () => {
  function promiseOf(text: string, size = text.length): number | null {
    const reader = new TextFeedReader(() => {});
    const bytes = Buffer.from(text, 'latin1');
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    reader.end();
    return reader.promised;
  }

  it('stands in any of its comments; the last one counts', () => {
    assert.equal(promiseOf('# Entries : 2\n45.66.64.1\n'), 2);
    assert.equal(promiseOf('45.66.64.1\r\n# END 1 entries'), 1);
    assert.equal(promiseOf('# Entries : 2\n45.66.64.1\n# END 1 entries\n# bye\n'), 1);
  });

  it('is none without one', () => {
    assert.equal(promiseOf('# a list\n45.66.64.1\n'), null);
    assert.equal(promiseOf(''), null);
    assert.equal(promiseOf('45.66.64.1 # END 5 entries\nx # Entries : 5\n'), null);
  });

  it('is the same in any chunks', () => {
    const text = '# Entries : 7 unique IPs\r\n45.66.64.1\r\n# END 9 entries';
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length }), (size) => {
        assert.equal(promiseOf(text, size), 9);
      }),
    );
  });
});
