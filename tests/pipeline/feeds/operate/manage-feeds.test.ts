import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { formatInstant } from '../../../../shared/domain/time/instant.ts';
import { MemoryFeedStore } from '../../../../shared/adapters/memory/feed-store.ts';
import { ALLOWLIST_FILE } from '../../../../shared/pipeline/feeds/configuration/allowlist.ts';
import { FEEDS_FILE } from '../../../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { shownAddress } from '../../../../shared/pipeline/feeds/operate/feed-status.ts';
import {
  listAllowlist,
  putAllowEntry,
  removeAllowEntry,
} from '../../../../shared/pipeline/feeds/operate/manage-allowlist.ts';
import {
  replaceConfiguration,
  showConfiguration,
} from '../../../../shared/pipeline/feeds/operate/manage-configuration.ts';
import {
  acceptFeed,
  listFeeds,
  requestRefresh,
  rollbackFeed,
  showFeed,
} from '../../../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { DAY, FeedWorld, HOUR, MINUTE, START, listOf } from '../../../support/feed-world.ts';

let world: FeedWorld;
beforeEach(() => {
  world = new FeedWorld();
});

const refused =
  (code: string, details: readonly RegExp[] = []) =>
  (error: any) => {
    assert.equal(error.code, code, String(error));
    assert.equal(error.details.length, details.length, error.details.join('; '));
    for (const [i, expected] of details.entries()) assert.match(error.details[i], expected);
    return true;
  };

/** The feed lists 100 addresses, and then three: that is held. */
async function holdShrunk(): Promise<void> {
  await world.configure({ 'a.txt': {} });
  world.serve('a.txt', listOf(100));
  await world.refresh();
  world.serve('a.txt', listOf(3));
  await world.later(HOUR);
}

describe('the status of a feed', () => {
  const statusOf = async (name: string) => showFeed(world.services, name);

  it('is waiting before its first fetch, and disabled where it is not fetched', async () => {
    await world.configure({ 'a.txt': { licence: 'CC0-1.0' }, 'b.txt': { enabled: false } });
    const [a, b] = await listFeeds(world.services);
    assert.deepEqual(a, {
      name: 'a.txt',
      address: 'https://feeds.example.com/a.txt',
      format: 'auto',
      kind: null,
      enabled: true,
      state: 'waiting',
      counts: null,
      inUse: null,
      held: null,
      failure: null,
      lastAttempt: null,
      lastSuccess: null,
      nextAttempt: formatInstant(START),
      licence: 'CC0-1.0',
      attribution: null,
      terms: null,
      credential: null,
    });
    assert.deepEqual([b!.state, b!.nextAttempt], ['disabled', null]);
  });

  it('has the counts and the times of the state in use', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'P2D' } });
    world.serve('a.txt', '45.66.64.1\n45.66.64.1\n10.0.0.1\nnonsense\n');
    await world.refresh();
    await world.later(HOUR);
    const status = await statusOf('A.TXT');
    assert.partialDeepStrictEqual(status, {
      name: 'a.txt',
      kind: 'threat',
      state: 'current',
      counts: { entries: 4, indicators: 2, duplicates: 1, listed: 1 },
      lastAttempt: formatInstant(START + HOUR),
      lastSuccess: formatInstant(START + HOUR),
      history: [],
    });
    assert.equal(status.counts!.refused['bogon'], 1);
    const { current } = await world.record('a.txt');
    assert.deepEqual(status.inUse, {
      state: current!.id.slice(0, 12),
      fetchedAt: formatInstant(START),
      confirmedAt: formatInstant(START + HOUR),
      expiresAt: formatInstant(START + HOUR + 2 * DAY),
    });
    assert.ok(status.nextAttempt! > formatInstant(START + HOUR + 50 * MINUTE));
  });

  it('tells what is held, and the states before', async () => {
    await holdShrunk();
    const { state, held, counts } = await statusOf('a.txt');
    assert.deepEqual([state, held!.reason, held!.counts.indicators], ['held', 'shrunk', 3]);
    assert.deepEqual([held!.since, counts!.indicators], [formatInstant(START + HOUR), 100]);
    assert.match(held!.explanation, /3 indicators after 100/);
    await acceptFeed(world.services, 'a.txt', undefined);
    const { history } = await statusOf('a.txt');
    assert.deepEqual(
      history.map(({ fetchedAt, counts }) => [fetchedAt, counts.indicators]),
      [[formatInstant(START), 100]],
    );
    assert.match(history[0]!.state, /^[0-9a-f]{12}$/);
  });

  it('fails from the third failure on, or from the first one while nothing is in use', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    world.serve('a.txt', { status: 500 });
    await world.later(HOUR);
    const states = async () => (await listFeeds(world.services)).map(({ state }) => state);
    assert.deepEqual(await states(), ['current', 'failing']);
    const { failure, lastSuccess } = await statusOf('a.txt');
    assert.deepEqual([failure!.code, failure!.times], ['http500', 1]);
    assert.equal(lastSuccess, formatInstant(START));
    await world.later(HOUR);
    await world.later(HOUR);
    assert.deepEqual(await states(), ['failing', 'failing']);
  });

  it('is expired from the end of its time to live on', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'PT1H' } });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    world.now = START + HOUR - 1;
    assert.equal((await statusOf('a.txt')).state, 'current');
    world.now = START + HOUR;
    assert.equal((await statusOf('a.txt')).state, 'expired');
  });

  it('names the setting of a credential, and shows no value of a query', async () => {
    const address = 'https://user.example.com/list?key=SECRET&SECRET&n=%41#SECRET';
    const credential = { type: 'bearer', setting: 'FeedCredentialOne' };
    await world.configure({ 'a.txt': { address, credential } });
    world.secrets.set('FeedCredentialOne', 'SECRET');
    const status = await statusOf('a.txt');
    assert.equal(status.credential, 'FeedCredentialOne');
    assert.equal(status.address, 'https://user.example.com/list?key=…&…&n=…');
    assert.ok(!JSON.stringify(status).includes('SECRET'));
    assert.equal(shownAddress('no address?key=SECRET'), '');
  });

  it('is found by name in any case', async () => {
    await world.configure({ 'Own-List': {} });
    assert.equal((await statusOf('oWN-lIST')).name, 'Own-List');
  });

  it('is refused for a feed that there is not', async () => {
    await assert.rejects(statusOf('a.txt'), refused('UnknownFeed'));
    await world.configure({ 'a.txt': {} });
    for (const name of ['a', '__proto__', 'constructor', '']) {
      await assert.rejects(statusOf(name), refused('UnknownFeed'));
    }
  });
});

describe('asking for a refresh', () => {
  it('makes a feed due at once', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    world.serve('b.txt', '45.66.64.2\n');
    await world.refresh();
    world.now += MINUTE;
    const { requested, requestedAt } = await requestRefresh(world.services, 'B.txt');
    assert.deepEqual([requested, requestedAt], [['b.txt'], formatInstant(START + MINUTE)]);
    assert.equal((await showFeed(world.services, 'b.txt')).nextAttempt, requestedAt);
    world.now += 1000;
    await world.refresh();
    assert.equal(world.web.requests.length, 3);
    const { lastAttempt } = await showFeed(world.services, 'b.txt');
    assert.ok(lastAttempt! >= requestedAt);
    await world.later(1000);
    assert.equal(world.web.requests.length, 3, 'one request, one attempt');
  });

  it('is not answered by a first fetch that began before', async () => {
    await world.configure({ 'a.txt': {} });
    let requestedAt = '';
    const { web } = world.services;
    const slow = {
      get: async (...request: Parameters<typeof web.get>) => {
        world.now += 1000;
        ({ requestedAt } = await requestRefresh(world.services, 'a.txt'));
        return web.get(...request);
      },
    };
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh({ web: slow });
    assert.equal((await showFeed(world.services, 'a.txt')).state, 'waiting');
    await world.refresh();
    const { state, lastAttempt } = await showFeed(world.services, 'a.txt');
    assert.deepEqual([state, lastAttempt], ['current', requestedAt]);
  });

  it('asks for all that are enabled where none is named', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': { enabled: false }, 'c.txt': {} });
    await world.refresh();
    const { requested } = await requestRefresh(world.services, null);
    assert.deepEqual(requested, ['a.txt', 'c.txt']);
  });

  it('is refused for a feed that is disabled, or not there', async () => {
    await world.configure({ 'b.txt': { enabled: false } });
    await assert.rejects(requestRefresh(world.services, 'b.txt'), refused('FeedDisabled'));
    await assert.rejects(requestRefresh(world.services, 'c.txt'), refused('UnknownFeed'));
  });

  it('tries again when the record changed in between, and gives up when it always does', async () => {
    await world.configure({ 'a.txt': {} });
    await world.refresh();
    const { feeds } = world.services;
    let conflicts = 2;
    const busy = new MemoryFeedStore();
    busy.read = async (name) => feeds.read(name);
    busy.write = async (feed, version) => conflicts-- <= 0 && feeds.write(feed, version);
    await requestRefresh({ ...world.services, feeds: busy }, 'a.txt');
    assert.equal((await world.record('a.txt')).requestedAt, START);
    conflicts = 100;
    const asking = requestRefresh({ ...world.services, feeds: busy }, 'a.txt');
    await assert.rejects(asking, refused('Conflict'));
  });
});

describe('accepting and going back', () => {
  it('publishes an accepted state at once, and ends the alert', async () => {
    await holdShrunk();
    assert.deepEqual(
      (await world.health()).map(({ status, problem }) => [status, problem]),
      [['active', 'held']],
    );
    const before = await world.ordinal();
    const status = await acceptFeed(world.services, 'A.txt', undefined);
    assert.deepEqual([status.state, status.counts!.indicators, status.held], ['current', 3, null]);
    assert.equal(await world.ordinal(), before + 1);
    assert.equal((await world.listed()).length, 3);
    assert.equal((await world.health())[0]!.status, 'resolved');
    await assert.rejects(acceptFeed(world.services, 'a.txt', undefined), refused('NothingHeld'));
  });

  it('accepts the state that was looked at, and no other that came since', async () => {
    await holdShrunk();
    const looked = (await showFeed(world.services, 'a.txt')).held!.state;
    world.serve('a.txt', listOf(4));
    await world.later(HOUR);
    const other = acceptFeed(world.services, 'a.txt', { state: looked });
    await assert.rejects(other, refused('Conflict'));
    const { state } = (await showFeed(world.services, 'a.txt')).held!;
    const body = { state: state.slice(0, 6).toUpperCase() };
    assert.equal((await acceptFeed(world.services, 'a.txt', body)).counts!.indicators, 4);
    const none = acceptFeed(world.services, 'a.txt', { state: 'no id' });
    await assert.rejects(none, refused('InvalidRequest', [/^state: .*four digits/]));
  });

  it('refuses to accept where nothing was ever fetched', async () => {
    await world.configure({ 'a.txt': {} });
    await assert.rejects(acceptFeed(world.services, 'a.txt', undefined), refused('NothingHeld'));
    await assert.rejects(rollbackFeed(world.services, 'a.txt', {}), refused('NoEarlierState'));
    await assert.rejects(acceptFeed(world.services, 'b.txt', undefined), refused('UnknownFeed'));
  });

  it('publishes an earlier state at once, and tells of what is held for it', async () => {
    await holdShrunk();
    await acceptFeed(world.services, 'a.txt', undefined);
    const status = await rollbackFeed(world.services, 'a.txt', undefined);
    assert.deepEqual([status.state, status.held!.reason], ['held', 'rolledBack']);
    assert.equal((await world.listed()).length, 100);
    const [health] = await world.health();
    assert.deepEqual([health!.status, health!.reason], ['active', 'rolledBack']);
    await assert.rejects(rollbackFeed(world.services, 'a.txt', {}), refused('NoEarlierState'));
    assert.equal((await acceptFeed(world.services, 'a.txt', undefined)).counts!.indicators, 3);
  });

  it('goes back to the state that is named, by its beginning in any case', async () => {
    await world.configure({ 'a.txt': {} });
    for (const count of [10, 11, 12]) {
      world.serve('a.txt', listOf(count));
      await world.later(HOUR);
    }
    const { history } = await showFeed(world.services, 'a.txt');
    const first = history.at(-1)!;
    assert.equal(first.counts.indicators, 10);
    const none = rollbackFeed(world.services, 'a.txt', { state: 'ffffffffffff' });
    await assert.rejects(none, refused('NoEarlierState'));
    const body = { state: first.state.toUpperCase() };
    assert.equal((await rollbackFeed(world.services, 'a.txt', body)).counts!.indicators, 10);
  });

  it('refuses a body that names no state', async () => {
    await world.configure({ 'a.txt': {} });
    for (const [body, problem] of [
      [{ state: 7 }, /^state: /],
      [{ state: 'xyz' }, /^state: .*four digits/],
      [{ state: 'abcd', more: 1 }, /more/],
      [[], /object/],
    ] as const) {
      const going = rollbackFeed(world.services, 'a.txt', body);
      await assert.rejects(going, refused('InvalidRequest', [problem]));
    }
  });
});

describe('the configuration of feeds', () => {
  const valid = { version: 1, feeds: [{ name: 'a', address: 'https://example.com/' }] };
  const files = () => world.services.configuration;
  const put = async (value: unknown, ifMatch: string | null, ifNoneMatch: string | null = null) =>
    replaceConfiguration(files(), value, { ifMatch, ifNoneMatch });

  it('is empty and without an ETag as long as there is none', async () => {
    assert.deepEqual(await showConfiguration(files()), {
      value: { version: 1, feeds: [] },
      etag: null,
    });
  });

  it('is written only over what was read', async () => {
    const { etag, created } = await put(valid, null, '*');
    assert.equal(created, true);
    assert.deepEqual(await showConfiguration(files()), { value: valid, etag });
    assert.match(etag, /^".+"$/);
    const next = { ...valid, refreshEvery: 'PT2H' };
    await assert.rejects(put(next, null, '*'), refused('PreconditionFailed'));
    await assert.rejects(put(next, '"other"'), refused('PreconditionFailed'));
    await assert.rejects(put(next, `W/${etag}`), refused('PreconditionFailed'));
    const second = await put(next, `"other", ${etag}`);
    assert.deepEqual([second.created, second.etag === etag], [false, false]);
    await assert.rejects(put(valid, etag), refused('PreconditionFailed'));
    assert.deepEqual((await showConfiguration(files())).value, next);
    await put(valid, '*');
  });

  it('is not created by a request that means to replace', async () => {
    await assert.rejects(put(valid, '*'), refused('PreconditionFailed'));
    await assert.rejects(put(valid, '"x"'), refused('PreconditionFailed'));
  });

  it('is not written without a condition', async () => {
    await assert.rejects(put(valid, null), refused('PreconditionRequired'));
  });

  it('is refused with every problem, before the condition is looked at', async () => {
    const feeds = [{ name: 'a b', address: 'ftp://example.com' }];
    const wrong = put({ version: 1, feeds }, '"x"');
    await assert.rejects(
      wrong,
      refused('InvalidRequest', [/^feeds\[0\]\.name: /, /^feeds\[0\]\.address: /]),
    );
    const proto = JSON.parse('{"version":1,"feeds":[],"__proto__":{}}') as unknown;
    await assert.rejects(put(proto, '*'), refused('InvalidRequest', [/__proto__/]));
    await assert.rejects(put(undefined, '*'), refused('InvalidRequest', [/^the file: /]));
  });

  it('is mended over HTTP though nothing else works with it', async () => {
    await world.write(FEEDS_FILE, { version: 2 });
    await assert.rejects(listFeeds(world.services), { code: 'CONFIGURATION' });
    const { etag } = await showConfiguration(files());
    await put(valid, etag);
    assert.equal((await listFeeds(world.services)).length, 1);
  });
});

describe('the allowlist', () => {
  const reason = 'our own resolver';
  const list = async () => listAllowlist(world.services.configuration, world.now);
  const put = async (network: string, body: unknown) =>
    putAllowEntry(world.services, network, body);
  const published = async () => (await world.services.snapshots.current())?.pointer.allowlistId;

  it('takes a network in any form, and is published at once', async () => {
    const { entry, created } = await put('203.0.113.77%2F24', { reason: `  ${reason} ` });
    assert.equal(created, true);
    assert.deepEqual(entry, {
      network: '203.0.113.0/24',
      reason,
      expiresAt: null,
      addedAt: formatInstant(START),
    });
    assert.deepEqual(await list(), [entry]);
    assert.match((await published())!, /^[0-9a-f]{64}$/);
    await put('::ffff:203.0.113.1', { reason });
    assert.deepEqual(
      (await list()).map(({ network }) => network),
      ['203.0.113.0/24', '203.0.113.1/32'],
    );
  });

  it('changes an entry that is there, which stays as old as it is', async () => {
    await put('2001:db8::/32', { reason });
    world.now += DAY;
    const expiresAt = formatInstant(world.now + HOUR);
    const first = await published();
    const { entry, created } = await put('2001:0db8:0::1/32', { reason, expiresAt });
    assert.deepEqual(
      [created, entry.expiresAt, entry.addedAt],
      [false, expiresAt, formatInstant(START)],
    );
    assert.notEqual(await published(), first);
    assert.equal((await list()).length, 1);
    const ordinal = await world.ordinal();
    await put('2001:db8::/32', { reason, expiresAt });
    assert.equal(await world.ordinal(), ordinal, 'twice is once');
  });

  it('shows which entries have expired', async () => {
    await put('203.0.113.1', { reason, expiresAt: formatInstant(START + HOUR) });
    assert.equal('expired' in (await list())[0]!, false);
    world.now += HOUR;
    assert.equal((await list())[0]!.expired, true);
  });

  it('loses what is removed', async () => {
    await put('203.0.113.1', { reason });
    await put('203.0.113.0/24', { reason });
    await removeAllowEntry(world.services, '203.0.113.200/24');
    assert.deepEqual(
      (await list()).map(({ network }) => network),
      ['203.0.113.1/32'],
    );
    await removeAllowEntry(world.services, '203.0.113.1');
    assert.equal(await published(), null);
    const again = removeAllowEntry(world.services, '203.0.113.1');
    await assert.rejects(again, refused('UnknownNetwork'));
    await assert.rejects(removeAllowEntry(world.services, '1.2.3'), refused('InvalidRequest'));
  });

  it('refuses what is no entry, and names each field', async () => {
    const cases: [string, unknown, readonly RegExp[]][] = [
      ['1.2.3', { reason }, [/^network: "1\.2\.3"/]],
      ['203.0.113.0/33', { reason }, [/^network: /]],
      ['203.0.113.1', undefined, [/object/]],
      ['203.0.113.1', { reason: ' a ', expiresAt: 'soon' }, [/^reason: /, /^expiresAt: /]],
      ['203.0.113.1', { reason, expiresAt: formatInstant(START) }, [/^expiresAt: .* passed/]],
      ['203.0.113.1', { reason, network: '0.0.0.0/0' }, [/network/]],
    ];
    for (const [network, body, problems] of cases) {
      await assert.rejects(put(network, body), refused('InvalidRequest', problems));
    }
    assert.deepEqual(await list(), []);
  });

  it('is not changed while a file of ours cannot be read: it could not be published', async () => {
    await world.write(FEEDS_FILE, { version: 2 });
    await assert.rejects(put('203.0.113.1', { reason }), { code: 'CONFIGURATION' });
    await world.write(FEEDS_FILE, { version: 1, feeds: [] });
    await world.write(ALLOWLIST_FILE, {});
    await assert.rejects(put('203.0.113.1', { reason }), { code: 'CONFIGURATION' });
  });

  it('takes no more than it may hold, and changes what it has', async () => {
    const networks = Array.from(
      { length: 10_000 },
      (_, i) => `45.${66 + (i >> 8)}.${i & 255}.0/24`,
    );
    await world.write(
      'allowlist',
      networks.map((network) => ({ network, reason: 'ours' })),
    );
    await assert.rejects(
      putAllowEntry(world.services, '192.0.2.1', { reason: 'one more' }),
      (error: Error) =>
        'code' in error && error.code === 'InvalidRequest' && /10000/.test(error.message),
    );
    const { created } = await putAllowEntry(world.services, networks[7]!, { reason: 'still ours' });
    assert.equal(created, false);
  });

  it('is not undone by a refresh that began before it was changed', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    world.serve('a.txt', '45.66.64.1\n45.66.64.2\n');
    world.now += 2 * 60 * 60_000;
    const { web } = world.services;
    await world.refresh({
      web: {
        get: async (request) => {
          await putAllowEntry(world.services, '45.66.64.0/24', { reason: 'ours, in a hurry' });
          return web.get(request);
        },
      },
    });
    assert.notEqual((await world.services.snapshots.current())!.pointer.allowlistId, null);
    assert.equal((await world.listed()).length, 2);
  });
});
