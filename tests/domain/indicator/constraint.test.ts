import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type Constraint,
  type Contact,
  constraintHolds,
  normalConstraint,
  PROTOCOL_NAMES,
} from '../../../shared/domain/indicator/constraint.ts';
import { DIRECTIONS } from '../../../shared/domain/telemetry/direction.ts';

const NOTHING: Constraint = { ports: null, direction: null, protocol: null };
const contact: Contact = { direction: 'outboundExchange', remotePort: 443, protocol: 0 };

function holds(asked: Partial<Constraint>, changed: Partial<Contact> = {}): boolean {
  return constraintHolds({ ...NOTHING, ...asked }, { ...contact, ...changed });
}

describe('a constraint', () => {
  it('that is absent, or asks for nothing, always holds', () => {
    assert.equal(constraintHolds(null, contact), true);
    assert.equal(holds({}), true);
  });

  it('of ports asks for one of them at the listed end', () => {
    assert.equal(holds({ ports: [80, 443] }), true);
    assert.equal(holds({ ports: [80, 442, 444] }), false);
    assert.equal(holds({ ports: [] }), false);
    assert.equal(holds({ ports: [0] }, { remotePort: 0 }), true);
  });

  for (const [direction, destination] of [
    ['outboundExchange', true],
    ['outboundAttempt', true],
    ['inboundExchange', false],
    ['inboundProbe', false],
  ] as const) {
    it(`of a direction sees the peer of ${direction} as ${destination ? 'called' : 'calling'}`, () => {
      assert.equal(holds({ direction: 'destination' }, { direction }), destination);
      assert.equal(holds({ direction: 'source' }, { direction }), !destination);
    });
  }

  it('of a protocol goes by the number that the agent writes', () => {
    for (const [number, protocol] of PROTOCOL_NAMES.entries()) {
      for (const [other] of PROTOCOL_NAMES.entries()) {
        assert.equal(holds({ protocol }, { protocol: other }), number === other);
      }
      assert.equal(holds({ protocol }, { protocol: 3 }), false);
      assert.equal(holds({ protocol }, { protocol: -1 }), false);
    }
  });

  it('holds only if each of its parts does', () => {
    const part = <T>(value: fc.Arbitrary<T>) => fc.option(value);
    const constraints = fc.record({
      ports: part(fc.array(fc.constantFrom(22, 80, 443), { maxLength: 2 })),
      direction: part(fc.constantFrom('source' as const, 'destination' as const)),
      protocol: part(fc.constantFrom(...PROTOCOL_NAMES)),
    });
    const contacts = fc.record({
      direction: fc.constantFrom(...DIRECTIONS),
      remotePort: fc.constantFrom(22, 80, 443),
      protocol: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(constraints, contacts, (whole, of) => {
        const { ports, direction, protocol } = whole;
        const each = [{ ports }, { direction }, { protocol }].every((one) =>
          constraintHolds({ ...NOTHING, ...one }, of),
        );
        assert.equal(constraintHolds(whole, of), each);
      }),
    );
  });
});

describe('the normal form of a constraint', () => {
  it('is null where nothing is asked', () => {
    assert.equal(normalConstraint(NOTHING), null);
  });

  it('is the constraint where any part asks', () => {
    for (const part of [{ ports: [1] }, { direction: 'source' }, { protocol: 'udp' }] as const) {
      const constraint = { ...NOTHING, ...part };
      assert.equal(normalConstraint(constraint), constraint);
    }
  });

  it('does not take an empty list of ports for any port', () => {
    assert.notEqual(normalConstraint({ ...NOTHING, ports: [] }), null);
  });
});
