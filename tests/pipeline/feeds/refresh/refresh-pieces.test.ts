import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { withHeldAccepted } from '../../../../shared/domain/indicator/feed-change.ts';
import type { WebRequest, WebResponse } from '../../../../shared/ports/web.ts';
import { DAY, FeedWorld, HOUR, MINUTE, START, addressOf } from '../../../support/feed-world.ts';

let world: FeedWorld;
let requests: WebRequest[];
beforeEach(() => {
  world = new FeedWorld();
  requests = [];
});

type Answerer = (url: URL, request: WebRequest) => Answer;
interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

async function later(milliseconds: number, answer: Answerer) {
  requests = [];
  const get = async (request: WebRequest): Promise<WebResponse> => {
    requests.push(request);
    const { status = 200, headers = {}, body } = answer(new URL(request.url), request);
    const bytes = (async function* () {
      yield Buffer.from(JSON.stringify(body));
    })();
    return { status, headers, url: request.url, body: bytes, discard: () => {} };
  };
  world.now += milliseconds;
  return world.refresh({ web: { get } });
}

const addresses = async () =>
  (await world.listed()).map((text) => text.split(' ')[1]!.replace('/32', ''));

describe('a TAXII collection', () => {
  interface Added {
    readonly at: string;
    readonly n: number;
  }
  const some = (from: number, to: number, at: string): Added[] =>
    Array.from({ length: to - from }, (_, i) => ({ at, n: from + i }));
  const object = (n: number) => ({
    type: 'indicator',
    id: `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    modified: '2026-08-01T00:00:00Z',
    pattern: `[ipv4-addr:value = '45.66.${n >> 8}.${n & 255}']`,
    pattern_type: 'stix',
    valid_from: '2026-08-01T00:00:00Z',
  });
  /** An honest server: what was added after the time that is asked for. */
  const serving =
    (collection: readonly Added[]): Answerer =>
    (url) => {
      const after = url.searchParams.get('added_after') ?? '';
      const added = collection.filter(({ at }) => at > after);
      const last = added.at(-1)?.at;
      return {
        headers: {
          'content-type': 'application/taxii+json;version=2.1',
          ...(last === undefined ? {} : { 'x-taxii-date-added-last': last }),
        },
        body: { more: false, objects: added.map(({ n }) => object(n)) },
      };
    };
  const one = '2026-08-21T00:00:00.000001Z';
  const two = '2026-08-22T00:00:00.000001Z';
  const afters = () => requests.map(({ url }) => new URL(url).searchParams.get('added_after'));
  beforeEach(async () => {
    await world.configure({ a: { format: 'taxii' } });
    await later(HOUR, serving(some(0, 30, one)));
  });

  it('is read whole, then asked for what is new, and both together are in force', async () => {
    assert.equal((await addresses()).length, 30);
    const { unchanged } = await later(HOUR, serving(some(0, 30, one)));
    assert.deepEqual([afters(), unchanged], [[one], 1]);
    assert.equal((await world.record('a')).confirmedAt, START + 2 * HOUR);
    await later(HOUR, serving([...some(0, 30, one), ...some(30, 33, two)]));
    assert.deepEqual(afters(), [one]);
    assert.equal((await addresses()).length, 33);
    assert.equal((await world.record('a')).current?.counts.format, 'stix');
  });

  it('is asked again from where what is in use ends while something is held', async () => {
    const flood = serving([...some(0, 30, one), ...some(30, 300, two)]);
    for (let i = 0; i < 2; i++) {
      const { held } = await later(HOUR, flood);
      assert.deepEqual([held, afters()], [1, [one]]);
      assert.equal((await addresses()).length, 30);
    }
    const { feed, version } = (await world.services.feeds.read('a'))!;
    await world.services.feeds.write(withHeldAccepted(feed, world.now)!, version);
    await later(HOUR, flood);
    assert.equal((await addresses()).length, 300);
    assert.equal((await world.record('a')).held, null);
  });

  it('is read whole again every week: what is gone leaves', async () => {
    await later(8 * DAY, serving(some(0, 29, one)));
    assert.deepEqual(afters(), [null]);
    assert.equal((await addresses()).length, 29);
  });

  it('is read whole again when the pieces are lost', async () => {
    const { files } = world.services;
    const { piecesId } = (await world.record('a')).current!;
    assert.notEqual(piecesId, null);
    const read = files.read.bind(files);
    files.read = async (feed, id) => (id === piecesId ? null : read(feed, id));
    await later(HOUR, serving(some(0, 31, one)));
    assert.deepEqual(afters(), [null]);
    assert.equal((await addresses()).length, 31);
  });

  it('keeps its last good state while the server fails', async () => {
    const { failed } = await later(HOUR, () => ({ status: 503, body: null }));
    assert.equal(failed, 1);
    assert.equal((await addresses()).length, 30);
  });
});

describe('a feed of MISP events', () => {
  const uuid = (n: number) => `5c0d3e5a-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const address = addressOf('misp/');
  /** Events 1 to `count`, each with the time of its last change; those in `missing` are not there. */
  const serving =
    (count: number, missing: readonly number[] = [], status = 404): Answerer =>
    (url) => {
      const file = url.href.slice(address.length);
      const all = Array.from({ length: count }, (_, i) => i + 1);
      if (file === 'manifest.json') {
        const entries = all.map((n) => [uuid(n), { info: 'x', timestamp: '1787396400' }]);
        return { body: Object.fromEntries(entries) };
      }
      const n = all.find((n) => file === `${uuid(n)}.json`);
      if (n === undefined || missing.includes(n)) return { status, body: null };
      const attribute = { type: 'ip-dst', value: `45.66.64.${n}`, to_ids: true };
      return { body: { Event: { uuid: uuid(n), Attribute: [attribute] } } };
    };
  beforeEach(async () => {
    await world.configure({ m: { format: 'misp-feed', address } });
    await later(HOUR, serving(3));
  });

  it('is read event by event, and later only what changed', async () => {
    assert.deepEqual(await addresses(), ['45.66.64.1', '45.66.64.2', '45.66.64.3']);
    await later(HOUR, serving(4));
    assert.deepEqual(
      requests.map(({ url }) => url.slice(address.length)),
      ['manifest.json', `${uuid(4)}.json`],
    );
    assert.equal((await addresses()).length, 4);
    assert.equal((await world.record('m')).current?.counts.format, 'misp');
  });

  it('is used without the event that is missing, and says which one', async () => {
    await later(HOUR, serving(5, [5]));
    assert.equal((await addresses()).length, 4);
    const { failure, lastSuccessAt } = await world.record('m');
    assert.equal(failure?.code, 'missing');
    assert.match(failure.message, new RegExp(`^event ${uuid(5)}: `));
    assert.equal(lastSuccessAt, world.now);
  });

  it('is read whole again when its configuration changes', async () => {
    await world.configure({ m: { format: 'misp-feed', address, acceptTlpRed: true } });
    await later(HOUR, () => ({ status: 503, body: null }));
    await later(HOUR, serving(3));
    assert.equal(requests.length, 4);
  });

  it('counts failures in a row from behind what is missing', async () => {
    for (let i = 0; i < 5; i++) await later(HOUR + i * MINUTE, serving(5, [5]));
    await later(2 * HOUR, () => ({ status: 503, body: null }));
    const { failure, nextAttemptAt } = await world.record('m');
    assert.deepEqual([failure?.times, nextAttemptAt - world.now], [1, MINUTE]);
    assert.deepEqual(await world.health(), []);
  });

  it('raises no alert for an event that its source names and does not have', async () => {
    for (let i = 0; i < 4; i++) await later(HOUR + i * MINUTE, serving(5, [5], 410));
    assert.deepEqual(await world.health(), []);
    assert.equal((await world.record('m')).failure?.code, 'missing');
  });

  it('is told of by its alert while events fail again and again', async () => {
    for (let i = 0; i < 3; i++) await later(HOUR + i * MINUTE, serving(5, [5], 500));
    assert.deepEqual(
      (await world.health()).map(({ status, reason }) => [status, reason]),
      [['active', 'partial']],
    );
    await later(HOUR, serving(5));
    assert.equal((await world.health())[0]?.status, 'resolved');
  });
});
