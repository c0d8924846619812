import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { asciiBytes, parseAsciiJson, toAsciiJson } from '../../shared/format/ascii-json.ts';

class Refused extends Error {}
const refused = (cause: unknown) => new Refused('refused', { cause });

describe('JSON in ASCII', () => {
  it('comes back as it was, one byte a character', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\ud800', '\u007f', '\u{10ffff}', 'x'.repeat(20_000)),
    );
    fc.assert(
      fc.property(fc.jsonValue(), texts, (value, text) => {
        const bytes = asciiBytes(toAsciiJson([value, text]));
        assert.ok(bytes.every((byte) => byte < 127));
        // Through text, because JSON knows no -0.
        assert.equal(JSON.stringify(parseAsciiJson(bytes, refused)), JSON.stringify([value, text]));
      }),
      { numRuns: 60 },
    );
  });

  it('that does not parse is refused as its format says', () => {
    for (const text of ['', '{', '[1,]', 'nul']) {
      assert.throws(() => parseAsciiJson(asciiBytes(text), refused), Refused);
    }
  });
});
