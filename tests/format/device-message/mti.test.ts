import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseMti } from '../../../shared/format/device-message/mti.ts';

describe('an mti', () => {
  for (const [text, schema, source] of [
    ['2.0-1-0-0', '2.0', 'rtos'],
    ['2.3-1-0-0', '2.3', 'rtos'],
    ['2.0-1-1-0', '2.0', 'linux'],
    ['2.3-1-1-0', '2.3', 'linux'],
  ] as const) {
    it(`${text} is supported`, () => assert.deepEqual(parseMti(text), { schema, source }));
  }

  for (const [text, refused] of [
    ['', 'badMti'],
    ['2.3', 'badMti'],
    ['2.3-1-0', 'badMti'],
    ['2.3-1-0-0 ', 'badMti'],
    ['\n2.3-1-0-0', 'badMti'],
    ['2.3-1-0-0\n', 'badMti'],
    ['2,3-1-0-0', 'badMti'],
    ['2.3-1-0-0-0', 'badMti'],
    ['2.3--1-0-0', 'badMti'],
    ['٢.3-1-0-0', 'badMti'],
    ['1.0-0-0-0', 'legacyJson'],
    ['2.3-0-0-0', 'legacyJson'],
    ['2.3-2-0-0', 'unsupportedEncoding'],
    ['2.3-01-0-0', 'unsupportedEncoding'],
    ['2.1-1-0-0', 'unsupportedSchema'],
    ['2.2-1-0-0', 'unsupportedSchema'],
    ['2.30-1-0-0', 'unsupportedSchema'],
    ['12.3-1-0-0', 'unsupportedSchema'],
    ['2.3-1-2-0', 'unsupportedSource'],
    ['2.3-1-0-1', 'unsupportedType'],
  ] as const) {
    it(`${JSON.stringify(text)} is refused as ${refused}`, () => {
      assert.deepEqual(parseMti(text), { refused });
    });
  }

  it('is refused without a throw, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => 'refused' in parseMti(text)),
      { numRuns: 500 },
    );
  });
});
