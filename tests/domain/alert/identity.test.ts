import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { AlertKey, AlertSubject } from '../../../shared/domain/alert/alert.ts';
import { identityText, partitionKeyOf } from '../../../shared/domain/alert/identity.ts';
import { KEY } from './alerts.ts';

const text = fc.oneof(
  fc.constantFrom(
    '',
    'device',
    '"',
    '","',
    '\\',
    '\\"',
    'null',
    '[',
    '\0',
    '\ud800',
    'ü',
    'address',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const subject: fc.Arbitrary<AlertSubject> = fc.oneof(
  text.map((address) => ({ kind: 'address' as const, address })),
  fc.tuple(text, text).map(([component, key]) => ({ kind: 'platform' as const, component, key })),
);
const identity = fc.tuple(
  text,
  fc.record<AlertKey>(
    {
      alertType: text,
      ruleType: fc.option(text),
      deviceId: fc.option(text),
      subject,
    },
    { noNullPrototype: true },
  ),
);

describe('the identity of an alert', () => {
  it('is the same text for the same finding only', () => {
    fc.assert(
      fc.property(identity, identity, ([hubA, a], [hubB, b]) => {
        let same = true;
        try {
          assert.deepEqual([hubA, a], [hubB, b]);
        } catch {
          same = false;
        }
        assert.equal(identityText(hubA, a) === identityText(hubB, b), same);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not let a device id imitate another field', () => {
    const id = (hub: string, deviceId: string | null, address = '192.0.2.1') =>
      identityText(hub, { ...KEY, deviceId, subject: { kind: 'address', address } });
    const texts = [
      id('hub', 'a'),
      id('hub', 'a","address","192.0.2.1'),
      id('hub","IoT_TiConnection', 'a'),
      id('hub', 'null'),
      id('hub', null),
      id('hub', 'a', '192.0.2.10'),
      id('hub', 'A'),
    ];
    assert.equal(new Set(texts).size, texts.length);
  });

  it('is what stored ids were made of, so it never changes', () => {
    assert.equal(
      identityText('hub', KEY),
      '["hub","IoT_TiConnection",null,"device-1","address","192.0.2.1"]',
    );
    const gap: AlertKey = {
      alertType: 'TW_StreamGap',
      ruleType: null,
      deviceId: null,
      subject: { kind: 'platform', component: 'stream', key: 'a/0/0/1-2' },
    };
    assert.equal(
      identityText('hub', gap),
      '["hub","TW_StreamGap",null,null,"platform","stream","a/0/0/1-2"]',
    );
    assert.deepEqual([partitionKeyOf(KEY), partitionKeyOf(gap)], ['device-1', 'platform']);
  });
});
