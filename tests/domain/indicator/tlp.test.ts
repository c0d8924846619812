import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseTlp, strictest, TLPS } from '../../../shared/domain/indicator/tlp.ts';

describe('the text of a marking', () => {
  for (const [text, expected] of [
    ['TLP:CLEAR', 'clear'],
    ['TLP:WHITE', 'clear'],
    ['tlp:white', 'clear'],
    ['white', 'clear'],
    ['TLP:GREEN', 'green'],
    ['tlp:Amber', 'amber'],
    ['TLP:AMBER+STRICT', 'amber+strict'],
    ['amber+strict', 'amber+strict'],
    [' TLP:RED\t', 'red'],
    ['TLP: RED', null],
    ['TLP-RED', null],
    ['TLP:TLP:RED', null],
    ['TLP:AMBER STRICT', null],
    ['TLP:REDDISH', null],
    ['infrared', null],
    ['TLP:', null],
    ['', null],
    ['constructor', null],
    ['__proto__', null],
  ] as const) {
    it(`${JSON.stringify(text)}: ${String(expected)}`, () =>
      assert.equal(parseTlp(text), expected));
  }
});

describe('the strictest of two markings', () => {
  const marking = fc.option(fc.constantFrom(...TLPS));

  it('is the one that stands later, whatever their order', () => {
    for (const [i, a] of TLPS.entries()) {
      for (const [j, b] of TLPS.entries()) assert.equal(strictest(a, b), TLPS[Math.max(i, j)]);
    }
    assert.equal(strictest('amber', 'amber+strict'), 'amber+strict');
  });

  it('is the other one where one is missing', () => {
    for (const tlp of [...TLPS, null]) {
      assert.equal(strictest(tlp, null), tlp);
      assert.equal(strictest(null, tlp), tlp);
    }
  });

  it('may be taken in any grouping', () => {
    fc.assert(
      fc.property(marking, marking, marking, (a, b, c) => {
        assert.equal(strictest(strictest(a, b), c), strictest(a, strictest(b, c)));
      }),
    );
  });
});
