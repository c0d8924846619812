import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isStixObject, StixFeed } from '../../../shared/format/stix/stix-feed.ts';
import { indicator } from './indicators.ts';

const UUID = '0096f501-a34d-461d-b950-5b1b1f28a4ea';
const AUTHOR = { type: 'identity', id: `identity--${UUID}`, name: 'CERT' };
const RED = {
  type: 'marking-definition',
  id: `marking-definition--${UUID}`,
  definition_type: 'tlp',
  definition: { tlp: 'red' },
};
const marked = indicator({ created_by_ref: AUTHOR.id, object_marking_refs: [RED.id] });

function entriesOf(objects: readonly unknown[]) {
  const feed = new StixFeed();
  for (const object of objects) feed.add(object);
  return [...feed.entries()];
}

describe('the objects of a STIX feed', () => {
  it('are named by others wherever those stand: a TLP:RED behind its indicator counts too', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([marked, AUTHOR, RED, { type: 'malware' }], { minLength: 4 }),
        (objects) => {
          const [entry, ...more] = entriesOf(objects);
          assert.deepEqual(more, []);
          assert.ok(entry?.kind === 'indicator');
          assert.deepEqual([entry.detail!.sources, entry.detail!.tlp], [['CERT'], 'red']);
        },
      ),
    );
  });

  it('keep the stricter marking, and the id of an author that nobody names', () => {
    const clear = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487';
    const twice = { ...marked, object_marking_refs: [clear, RED.id] };
    const [entry] = entriesOf([twice, RED]);
    assert.ok(entry?.kind === 'indicator');
    assert.deepEqual([entry.detail!.sources, entry.detail!.tlp], [[AUTHOR.id], 'red']);
    const [unknown] = entriesOf([marked]);
    assert.ok(unknown?.kind === 'indicator');
    assert.equal(unknown.detail!.tlp, null);
  });

  it('are counted when they are none', () => {
    const found = entriesOf([7, null, 'x', [], { ip: '45.66.64.1', score: 1 }, marked]);
    assert.deepEqual(
      found.map((entry) =>
        entry.kind === 'refused' ? `${entry.reason} ${entry.text}` : 'indicator',
      ),
      ['malformed ', 'malformed ', 'malformed ', 'malformed ', 'malformed ip score', 'indicator'],
    );
  });
});

describe('an object among records', () => {
  for (const [object, expected] of [
    [marked, true],
    [{ type: 'indicator', pattern: "[ipv4-addr:value = '45.66.64.1']" }, true],
    [{ type: 'ipv4-addr', id: `ipv4-addr--${UUID}`, value: '45.66.64.1' }, true],
    [{ type: 'x-own', id: `x-own--${UUID}` }, true],
    [{ type: 'ip', id: '17', value: '45.66.64.1' }, false],
    [{ id: `indicator--${UUID}`, value: '45.66.64.1' }, false],
    [{ type: 'ipv4-addr', value: '45.66.64.1' }, false],
    ['indicator', false],
    [null, false],
  ] as const) {
    it(`is ${expected ? '' : 'not '}STIX: ${JSON.stringify(object)?.slice(0, 60)}`, () => {
      assert.equal(isStixObject(object), expected);
    });
  }
});
