import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMispManifest } from '../../../shared/format/misp/manifest.ts';

const [A, B] = ['1733d613-f09f-43ec-8e6a-3926f75e5fa4', '249C67E1-3587-4981-B400-C37DE2B6938A'];

describe('the manifest of a MISP feed', () => {
  it('names the events and when each was last changed', () => {
    const manifest = readMispManifest({
      [A]: { info: 'a', timestamp: 1_715_767_142, Orgc: {} },
      [B]: { info: 'b', timestamp: '1715767131' },
    });
    assert.deepEqual(manifest, {
      events: [
        { uuid: A, timestamp: 1_715_767_142 },
        { uuid: B, timestamp: 1_715_767_131 },
      ],
      refused: 0,
    });
  });

  it('keeps an event whose time does not read', () => {
    assert.deepEqual(readMispManifest({ [A]: { timestamp: 'yesterday' }, [B]: {} })?.events, [
      { uuid: A, timestamp: null },
      { uuid: B, timestamp: null },
    ]);
  });

  it('counts members that name no event: addresses are made of the names', () => {
    const text = `{"${A}":{"timestamp":1},"../../etc/passwd":{},"${B}":7,"${A}.json":{},"x${A}":{},"__proto__":{"timestamp":2}}`;
    assert.deepEqual(readMispManifest(JSON.parse(text)), {
      events: [{ uuid: A, timestamp: 1 }],
      refused: 5,
    });
  });

  it('may be empty', () => {
    assert.deepEqual(readMispManifest({}), { events: [], refused: 0 });
  });

  it('is no other document: an error is not a feed that withdrew everything', () => {
    for (const document of [{ message: 'not found' }, [], [A], null, undefined, 'x', 7]) {
      assert.equal(readMispManifest(document), null, JSON.stringify(document));
    }
  });
});
