import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type Row, RowCutter } from '../../../shared/format/feed-record/row-cutter.ts';

const MAX_BYTES = 1000;

function cut(
  text: string,
  delimiter = ',',
  size = Infinity,
): { rows: Row[]; damage: string | null } {
  const rows: Row[] = [];
  const bytes = Buffer.from(text);
  const cutter = new RowCutter((row) => rows.push(row), delimiter, MAX_BYTES);
  for (let at = 0; at < bytes.length; at += size) cutter.push(bytes.subarray(at, at + size));
  cutter.end();
  return { rows, damage: cutter.damage };
}

/** `line: cell/cell`, with a sign for what is broken. */
const shown = (text: string, delimiter?: string) => {
  const { rows, damage } = cut(text, delimiter);
  assert.equal(damage, null);
  return rows.map(
    ({ line, cells, isBroken }) => `${line}${isBroken ? '!' : ''} ${cells.join('/')}`,
  );
};

describe('the rows of a table', () => {
  for (const [what, text, expected] of [
    ['bare', 'a,b\nc\n', ['1 a/b', '2 c']],
    ['quoted', '"a","b, c"\n"d""e"\n""\n', ['1 a/b, c', '2 d"e', '3 ']],
    ['with blanks around', ' a\t, b c ,"d" , "e"\t\n', ['1 a/b c/d/e']],
    ['with blanks within quotes', '" a ",b\n', ['1  a /b']],
    ['with quotes within bare cells', '5" nail,a "b" c\n', ['1 5" nail/a "b" c']],
    ['with empty cells', ',,\na,\n,b', ['1 //', '2 a/', '3 /b']],
    ['apart by empty lines', '\n \na\n\t\n\nb\n', ['3 a', '6 b']],
    ['beside comments', '# a "b\n # c\nd # e,#1\n"# f"\n#', ['3 d # e/#1', '4 # f']],
    ['over lines', '"a\nb",c\n\nd', ['2 a\nb/c', '4 d']],
    ['ended in three ways', 'a\r\nb\rc\n\r\nd', ['1 a', '2 b', '3 c', '5 d']],
    ['with letters of all kinds', 'é,"日本",\u{1f600}\n', ['1 é/日本/\u{1f600}']],
    ['none', '', []],
    ['none, of comments', '# a\r\n# b', []],
    ['broken', 'a,"b" c,d\ne,f\n', ['1! a/b', '2 e/f']],
    ['broken at the end', 'a\n"b"c', ['1 a', '2! b']],
  ] as const) {
    it(`may be ${what}`, () => assert.deepEqual(shown(text), expected));
  }

  it('may be parted by tabs, which then are no blanks', () => {
    assert.deepEqual(shown('\ta\t"b"\t\t c \n', '\t'), ['1 /a/b//c']);
    assert.deepEqual(shown('a;"b;c"|d;e', ';').length, 1);
  });

  it('are damaged by a quote that never closes, and none is given of what it took', () => {
    const { rows, damage } = cut('a\n\n"b\nc,d\ne\n');
    assert.equal(rows.length, 1);
    assert.match(damage!, /line 3 never closes/);
    assert.equal(cut('"a').damage?.includes('line 1'), true);
    assert.equal(cut('"a""').damage?.includes('line 1'), true);
  });

  it('are damaged by a bad quote in a row over lines, at once', () => {
    const { rows, damage } = cut('a\nb,"c\nd" e\nf\n');
    assert.equal(rows.length, 1);
    assert.match(damage!, /at line 3, in the row that begins at line 2/);
    assert.match(cut('"a\nb",c,"d" e\n').damage!, /at line 2, in the row that begins at line 1/);
  });

  it('are damaged by one over the limit, however it comes to its bytes', () => {
    for (const [fits, damaged] of [
      ['x'.repeat(MAX_BYTES - 1), 'x'.repeat(MAX_BYTES + 1)],
      [`"${'x'.repeat(MAX_BYTES - 1)}"`, `"${'x'.repeat(MAX_BYTES + 1)}`],
      [','.repeat(MAX_BYTES - 1), ','.repeat(MAX_BYTES + 1)],
      [`"${'""'.repeat(MAX_BYTES - 1)}"`, `"${'""'.repeat(MAX_BYTES + 1)}"`],
      [`a\n${'bc,'.repeat(MAX_BYTES / 3 - 10)}\nd`, `a\n${'bc,'.repeat(MAX_BYTES / 3 + 10)}\nd`],
      [`#${'x'.repeat(5 * MAX_BYTES)}\na`, `#\na${'x'.repeat(5 * MAX_BYTES)}`],
    ] as const) {
      for (const size of [Infinity, 1, 13]) {
        assert.equal(cut(fits, ',', size).damage, null, fits.slice(0, 9));
        assert.match(
          cut(damaged, ',', size).damage ?? '',
          /has over 1000 bytes/,
          damaged.slice(0, 9),
        );
      }
    }
  });
});

describe('any table', () => {
  const unit = fc.constantFrom('a', '"', ',', '\n', '\r', '\r\n', '#', ' ', '\t', 'é');

  it('gives the same, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit, maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(',', '\t'),
        (text, size, delimiter) => {
          assert.deepEqual(cut(text, delimiter, size), cut(text, delimiter));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('comes back as it was written, each row with the line on which it ends', () => {
    const cell = fc.string({ unit, maxLength: 8 });
    const rows = fc.array(
      fc.record({
        cells: fc.array(cell, { minLength: 1, maxLength: 4 }),
        end: fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\n# "c\r\n'),
      }),
      { maxLength: 6 },
    );
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(rows, (written) => {
        let text = '';
        const expected: Row[] = [];
        for (const { cells, end } of written) {
          text += cells.map(quoted).join(', ');
          expected.push({ cells, line: text.split(/\r\n|\r|\n/).length, isBroken: false });
          text += end;
        }
        assert.deepEqual(cut(text), { rows: expected, damage: null });
      }),
    );
  });
});
