import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { EnvironmentSecrets } from '../../../../shared/adapters/node/environment-secrets.ts';
import { WebError } from '../../../../shared/ports/web.ts';
import { formatInstant } from '../../../../shared/domain/time/instant.ts';
import { withHeldAccepted, withRollback } from '../../../../shared/domain/indicator/feed-change.ts';
import { DAY, FeedWorld, HOUR, MINUTE, START, listOf } from '../../../support/feed-world.ts';

let world: FeedWorld;
beforeEach(() => {
  world = new FeedWorld();
});

async function change(name: string, change: (record: any) => any): Promise<void> {
  const { feeds } = world.services;
  const { feed, version } = (await feeds.read(name))!;
  assert.equal(await feeds.write(change(feed), version), true);
}

describe('refreshing threat feeds', () => {
  it('fetches, reads and publishes what is configured, once it is due', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': { enabled: false } });
    world.serve('a.txt', '45.66.64.1\n45.66.65.0/24\n10.0.0.1\n');
    const summary = await world.refresh();
    assert.deepEqual(
      [summary.feeds, summary.refreshed, summary.failed, summary.held, summary.ordinal],
      [1, 1, 0, 0, 1],
    );
    assert.deepEqual(await world.listed(), ['a.txt 45.66.64.1/32', 'a.txt 45.66.65.0/24']);
    const { current, confirmedAt, lastSuccessAt, failure, held } = await world.record('a.txt');
    const { entries, indicators, refused } = current!.counts;
    assert.deepEqual([entries, indicators, refused], [3, 2, { bogon: 1 }]);
    assert.deepEqual([confirmedAt, lastSuccessAt, failure, held], [START, START, null, null]);
    await world.later(MINUTE);
    assert.equal(world.web.requests.length, 1, 'it is not due yet');
    await world.later(HOUR);
    assert.equal(world.web.requests.length, 2);
  });

  it('publishes nothing where nothing is configured', async () => {
    const summary = await world.refresh();
    assert.deepEqual([summary.feeds, summary.snapshot, summary.changed], [0, null, false]);
    assert.equal(await world.services.snapshots.current(), null);
  });

  it('asks under the validators that it was given, and takes 304 as a confirmation', async () => {
    await world.configure({ 'a.txt': {} });
    const modified = 'Sat, 22 Aug 2026 10:00:00 GMT';
    world.serve('a.txt', {
      body: '45.66.64.1\n',
      headers: { etag: 'W/"one"', 'last-modified': modified },
    });
    await world.refresh();
    world.serve('a.txt', { status: 304 });
    const { unchanged } = await world.later(HOUR);
    assert.equal(unchanged, 1);
    const { headers } = world.web.requests.at(-1)!;
    assert.deepEqual(headers, { 'if-none-match': 'W/"one"', 'if-modified-since': modified });
    const { confirmedAt, memory } = await world.record('a.txt');
    assert.deepEqual([confirmedAt, memory.etag], [START + HOUR, 'W/"one"']);
    assert.equal(await world.ordinal(), 1);
  });

  it('takes the same bytes for the same state: no snapshot for nothing', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    const first = await world.refresh();
    const second = await world.later(HOUR);
    assert.deepEqual([second.snapshot, second.ordinal, second.changed], [first.snapshot, 1, false]);
    assert.deepEqual((await world.record('a.txt')).history, []);
  });

  it('knows since when each indicator is listed', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    world.serve('a.txt', '45.66.64.1\n45.66.64.2\n');
    await world.later(HOUR);
    const since = async (address: string) => (await world.matches(address))[0]!.listedSince;
    assert.equal(await since('45.66.64.1'), formatInstant(START));
    assert.equal(await since('45.66.64.2'), formatInstant(START + HOUR));
  });

  it('fills in what the configuration says where a feed says nothing', async () => {
    await world.configure({
      'a.txt': { kind: 'scanner', confidence: 40, tlp: 'amber', direction: 'source' },
      'b.csv': { confidence: 40, minimumConfidence: 50 },
    });
    world.serve('a.txt', '45.66.64.1\n45.66.64.2:22\n');
    world.serve('b.csv', 'ip,confidence\n45.66.64.3,49\n45.66.64.4,50\n45.66.64.5,\n');
    await world.refresh();
    const [bare] = await world.matches('45.66.64.1');
    assert.deepEqual([bare!.kind, bare!.confidence, bare!.tlp], ['scanner', 40, 'amber']);
    assert.deepEqual(bare!.constraint, { ports: null, direction: 'source', protocol: null });
    const [port] = await world.matches('45.66.64.2');
    assert.deepEqual(port!.constraint, { ports: [22], direction: 'source', protocol: null });
    assert.deepEqual(
      (await world.listed()).filter((text) => text.startsWith('b.csv')),
      ['b.csv 45.66.64.4/32'],
    );
  });

  it('keeps the direction that a feed names, unless contact of either direction is wanted', async () => {
    const event = {
      Event: {
        Attribute: [
          { type: 'ip-src', value: '45.66.64.1', to_ids: true },
          { type: 'ip-dst|port', value: '45.66.64.2|443', to_ids: true },
        ],
      },
    };
    const directions = { own: undefined, either: 'both', other: 'destination' };
    await world.configure(
      Object.fromEntries(
        Object.entries(directions).map(([name, direction]) => [name, { direction }]),
      ),
    );
    for (const name of Object.keys(directions)) world.serve(name, JSON.stringify(event));
    await world.refresh();
    const constraints = async (address: string) =>
      (await world.matches(address)).map(({ constraint }) => constraint?.direction ?? null);
    // In order of name: either, other, own.
    assert.deepEqual(await constraints('45.66.64.1'), [null, 'source', 'source']);
    assert.deepEqual(await constraints('45.66.64.2'), [null, 'destination', 'destination']);
    const [either] = await world.matches('45.66.64.2');
    assert.deepEqual(either!.constraint?.ports, [443]);
  });

  it('publishes warning lists as such, found by format or by configuration', async () => {
    const list = {
      name: 'Resolvers',
      type: 'cidr',
      version: 1,
      list: ['45.66.64.1', '10.0.0.0/8'],
    };
    await world.configure({ 'r.json': {}, 'own.txt': { kind: 'warningList' }, 'a.txt': {} });
    world.serve('r.json', JSON.stringify(list));
    world.serve('own.txt', '45.66.64.2\n');
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    const { stat } = await world.snapshot();
    assert.deepEqual(
      stat.feeds.map(({ name }) => name),
      ['a.txt'],
    );
    assert.deepEqual(
      stat.warningLists.map(({ name, indicators }) => [name, indicators]),
      [
        ['own.txt', 1],
        ['r.json', 2],
      ],
    );
  });

  it('leaves out what left the configuration, its record and its alert', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    world.serve('b.txt', '<html>');
    await world.refresh();
    for (let i = 0; i < 2; i++) await world.later(HOUR);
    assert.equal((await world.health())[0]?.status, 'active');
    await world.configure({ 'a.txt': {} });
    await world.later(MINUTE);
    assert.equal(await world.services.feeds.read('b.txt'), null);
    assert.equal((await world.health())[0]?.status, 'resolved');
    await world.configure({});
    await world.later(MINUTE);
    assert.deepEqual(await world.listed(), []);
  });

  it('reads everything anew when a feed gets another address', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', { body: '45.66.64.1\n', headers: { etag: '"one"' } });
    await world.refresh();
    await world.configure({ 'a.txt': { address: 'https://feeds.example.com/moved' } });
    world.serve('moved', '45.66.64.2\n');
    await world.later(MINUTE);
    assert.deepEqual(world.web.requests.at(-1)!.headers, {});
    assert.deepEqual(await world.listed(), ['a.txt 45.66.64.2/32']);
  });

  for (const [what, before, after, body, expected] of [
    ['a warning list', { kind: 'warningList' }, {}, '45.66.64.1\n10.0.0.1\n', ['45.66.64.1/32']],
    ['no warning list', {}, { kind: 'warningList' }, '45.66.64.1\n', []],
    [
      'another format',
      { format: 'plain' },
      { format: 'csv' },
      'ip,port\n45.66.64.1,80\n',
      ['45.66.64.1/32'],
    ],
  ] as const) {
    it(`reads the same bytes anew when a feed was ${what}`, async () => {
      await world.configure({ 'a.txt': before });
      world.serve('a.txt', { body, headers: { etag: '"same"' } });
      await world.refresh();
      await world.configure({ 'a.txt': after });
      await world.later(MINUTE);
      assert.deepEqual(
        (await world.listed()).map((text) => text.split(' ')[1]),
        expected,
      );
    });
  }

  it('never publishes a warning list as threats, also while it cannot be fetched as what it is now', async () => {
    await world.configure({ 'a.txt': { kind: 'warningList' } });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', { status: 500 });
    await world.later(MINUTE);
    assert.deepEqual(await world.listed(), []);
    assert.deepEqual((await world.snapshot()).stat.warningLists, []);
  });

  it("takes TLP:RED in and out with the operator's word, also of the feed as a whole", async () => {
    const pattern = "[ipv4-addr:value = '45.66.64.1']";
    const object_marking_refs = ['marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed'];
    const red = { type: 'indicator', pattern, pattern_type: 'stix', object_marking_refs };
    const bundle = {
      type: 'bundle',
      objects: [{ ...red, id: 'indicator--1', valid_from: '2026-08-01T00:00:00Z' }],
    };
    world.serve('a.json', JSON.stringify(bundle));
    world.serve('b.txt', '45.66.64.2\n');
    const listed = [];
    for (const acceptTlpRed of [true, false, true]) {
      await world.configure({ 'a.json': { acceptTlpRed }, 'b.txt': { tlp: 'red', acceptTlpRed } });
      await world.later(MINUTE);
      listed.push(await world.listed());
    }
    const both = ['a.json 45.66.64.1/32', 'b.txt 45.66.64.2/32'];
    assert.deepEqual(listed, [both, [], both]);
  });

  it('takes new comments around the same list for the same state', async () => {
    await world.configure({ 'a.txt': {} });
    for (let i = 0; i < 8; i++) {
      world.serve('a.txt', `# ${i} o'clock\n45.66.64.1\n`);
      await world.later(HOUR);
    }
    const { history, current, confirmedAt } = await world.record('a.txt');
    assert.deepEqual([history, current!.fetchedAt], [[], START + HOUR]);
    assert.equal(confirmedAt, world.now);
    assert.equal(await world.ordinal(), 1);
  });

  it('is not stopped by a clock that was ahead', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    await world.later(365 * DAY);
    world.serve('a.txt', '45.66.64.2\n');
    await world.later(-365 * DAY);
    assert.deepEqual(await world.listed(), ['a.txt 45.66.64.2/32']);
  });

  it('publishes the others when the file of one is lost, and fetches that one again', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': {} });
    world.serve('a.txt', { body: '45.66.64.1\n', headers: { etag: '"a"' } });
    world.serve('b.txt', '45.66.64.2\n');
    await world.refresh();
    const { files } = world.services;
    const lost = (await world.record('a.txt')).current!.id;
    const read: typeof files.read = async (feed, id) => (id === lost ? null : files.read(feed, id));
    const damaged = {
      ...files,
      read,
      store: files.store.bind(files),
      keepOnly: files.keepOnly.bind(files),
    };
    world.serve('b.txt', '45.66.64.3\n');
    await change('b.txt', (record) => ({ ...record, requestedAt: world.now + 1 }));
    world.now += MINUTE;
    await assert.rejects(
      world.refresh({ files: damaged }),
      /state of a\.txt that is in use is lost/,
    );
    assert.deepEqual(await world.listed(), ['b.txt 45.66.64.3/32']);
    assert.equal((await world.record('a.txt')).failure?.code, 'stateLost');
    await world.later(MINUTE);
    assert.deepEqual(world.web.requests.at(-1)!.headers, {}, 'asked without validators');
    assert.deepEqual(await world.listed(), ['a.txt 45.66.64.1/32', 'b.txt 45.66.64.3/32']);
    assert.equal((await world.record('a.txt')).failure, null);
  });

  it('says nothing of a feed that is switched off', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'PT3H' } });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    world.serve('a.txt', { status: 500 });
    for (let i = 0; i < 4; i++) await world.later(HOUR);
    assert.equal((await world.health())[0]?.status, 'active');
    await world.configure({ 'a.txt': { timeToLive: 'PT3H', enabled: false } });
    await world.later(HOUR);
    assert.equal((await world.health())[0]?.status, 'resolved');
  });

  it('says it again when the feed is switched on and nothing is better', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', { status: 500 });
    for (let i = 0; i < 4; i++) await world.later(HOUR);
    const statuses = [];
    for (const enabled of [false, true]) {
      await world.configure({ 'a.txt': { enabled } });
      await world.later(MINUTE);
      statuses.push((await world.health())[0]?.status);
    }
    assert.deepEqual(statuses, ['resolved', 'active']);
  });

  it('refreshes the others when one that left cannot be removed', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    world.serve('b.txt', '45.66.64.2\n');
    await world.refresh();
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', '45.66.64.3\n');
    world.now += HOUR;
    const { feeds } = world.services;
    feeds.remove = () => Promise.reject(new Error('down'));
    await assert.rejects(world.refresh(), /down/);
    assert.deepEqual(await world.listed(), ['a.txt 45.66.64.3/32']);
  });

  it('ends an alert that an operator made wrong while it was being raised', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', listOf(100));
    await world.refresh();
    world.serve('a.txt', listOf(10));
    const { feeds } = world.services;
    let writes = 0;
    const write: typeof feeds.write = async (feed, version) => {
      // The second write tells that the alert was raised; before it the operator accepts.
      if (writes++ === 1) await change('a.txt', (record) => withHeldAccepted(record, world.now));
      return feeds.write(feed, version);
    };
    world.now += HOUR;
    const racing = {
      list: feeds.list.bind(feeds),
      read: feeds.read.bind(feeds),
      remove: feeds.remove.bind(feeds),
      write,
    };
    await world.refresh({ feeds: racing });
    assert.equal((await world.record('a.txt')).held, null);
    assert.equal((await world.health())[0]?.status, 'resolved');
  });

  it('notes a failure of its own at the feed, waits, and says what it was', async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': {} });
    world.serve('b.txt', '45.66.64.2\n');
    world.serve('a.txt', { error: new RangeError('a bug') });
    await assert.rejects(world.refresh(), /a bug/);
    const { failure, nextAttemptAt } = await world.record('a.txt');
    assert.deepEqual([failure?.code, nextAttemptAt], ['internal', START + MINUTE]);
    assert.deepEqual(await world.listed(), ['b.txt 45.66.64.2/32']);
  });

  it('names the setting whose Key Vault reference did not resolve', async () => {
    await world.configure({
      'a.txt': { credential: { type: 'bearer', setting: 'FeedCredentialX' } },
    });
    const secrets = new EnvironmentSecrets({
      FeedCredentialX: '@Microsoft.KeyVault(VaultName=v;SecretName=s)',
    });
    await world.refresh({ secrets });
    const { failure } = await world.record('a.txt');
    assert.equal(failure?.code, 'noCredential');
    assert.match(failure.message, /reference of the setting FeedCredentialX did not resolve/);
  });

  it('says what to do with the manifest of a MISP feed', async () => {
    await world.configure({ m: {} });
    const uuid = '5c0d3e5a-0000-4000-8000-000000000001';
    world.serve('m', JSON.stringify({ [uuid]: { info: 'x', timestamp: '1787396400' } }));
    await world.refresh();
    const { failure } = await world.record('m');
    assert.equal(failure?.code, 'noReader');
    assert.match(failure.message, /set its "format" to "misp-feed"/);
  });

  it('begins with the feed that has waited longest', async () => {
    await world.configure({ 'a.txt': { refreshEvery: 'P1D' }, 'b.txt': { refreshEvery: 'PT1H' } });
    world.serve('a.txt', '45.66.64.1\n');
    world.serve('b.txt', '45.66.64.2\n');
    await world.refresh();
    await world.later(2 * DAY);
    assert.deepEqual(
      world.web.requests.slice(-2).map(({ url }) => url.at(-5)),
      ['b', 'a'],
    );
  });

  it('comes at once when an operator asks', async () => {
    await world.configure({ 'a.txt': { refreshEvery: 'P1D' } });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    await change('a.txt', (record) => ({ ...record, requestedAt: world.now + 1 }));
    await world.later(MINUTE);
    assert.equal(world.web.requests.length, 2);
    await world.later(MINUTE);
    assert.equal(world.web.requests.length, 2);
  });

  it('refuses a configuration that is wrong, and names the field', async () => {
    await world.configure({ 'a.txt': { refreshEvery: 'often' } });
    await assert.rejects(world.refresh(), /feeds\[0\]\.refreshEvery: an ISO 8601 duration/);
  });

  it('sends the credential that a setting holds, and keeps it nowhere', async () => {
    const credential = { type: 'header', header: 'Auth-Key', setting: 'FeedCredential_x' };
    await world.configure({ 'a.txt': { credential } });
    world.serve('a.txt', '45.66.64.1\n');
    await world.refresh();
    assert.equal((await world.record('a.txt')).failure?.code, 'noCredential');
    assert.match((await world.record('a.txt')).failure!.message, /FeedCredential_x is not set/);
    assert.equal(world.web.requests.length, 0);
    world.secrets.set('FeedCredential_x', 's3cret');
    await world.later(HOUR);
    assert.deepEqual(world.web.requests[0]!.secretHeaders, { 'auth-key': 's3cret' });
    const kept = JSON.stringify([await world.services.feeds.list(), await world.health()]);
    assert.ok(!kept.includes('s3cret'));
  });

  it('makes the headers of bearer and basic credentials', async () => {
    await world.configure({
      'a.txt': { credential: { type: 'bearer', setting: 'FeedCredentialA' } },
      'b.txt': { credential: { type: 'basic', user: 'me', setting: 'FeedCredentialA' } },
    });
    world.secrets.set('FeedCredentialA', 'x:y');
    await world.refresh();
    assert.deepEqual(
      world.web.requests.map(({ secretHeaders }) => String(secretHeaders['authorization'])).sort(),
      [`Basic ${Buffer.from('me:x:y').toString('base64')}`, 'Bearer x:y'],
    );
  });
});

describe('a feed whose new state is not to be believed', () => {
  const good = listOf(100);
  beforeEach(async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', good);
    await world.refresh();
  });
  const held = async () => (await world.record('a.txt')).held?.reason;

  for (const [reason, body] of [
    ['empty', ''],
    ['empty', '# nothing\n'],
    ['shrunk', listOf(49)],
    ['shrunk', '45.66.64.1\n'.repeat(100)],
    ['grown', listOf(201)],
    ['replaced', listOf(100, 5000)],
    ['unreadable', `${listOf(100)}${'no address\n'.repeat(101)}`],
    ['cut', `# Entries : 101 unique IPs\n${listOf(100)}`],
  ] as const) {
    it(`keeps its last good one, and says so: ${reason}`, async () => {
      world.serve('a.txt', body);
      const summary = await world.later(HOUR);
      assert.equal(summary.held, 1);
      assert.equal(await held(), reason);
      assert.equal(await world.ordinal(), 1);
      assert.equal((await world.listed()).length, 100);
      assert.deepEqual(await world.health(), [
        { status: 'active', feed: 'a.txt', problem: 'held', reason },
      ]);
      world.serve('a.txt', `${good}45.66.99.99\n`);
      await world.later(HOUR);
      assert.equal(await held(), undefined);
      assert.equal((await world.listed()).length, 101);
      assert.equal((await world.health())[0]?.status, 'resolved');
    });
  }

  it('takes ordinary changes', async () => {
    for (const body of [
      listOf(51),
      listOf(102),
      `# Entries : 102\n${listOf(102)}`,
      listOf(90, 20),
    ]) {
      world.serve('a.txt', body);
      assert.equal((await world.later(HOUR)).held, 0);
    }
  });

  it('holds what the real list of a mirror did within two days, and nothing else', async () => {
    const counts = [11_328, 4, 11_328, 11_407, 0, 1174, 10_646, 1189, 10_646, 4, 3895];
    const outcomes = [];
    world.serve('a.txt', listOf(11_328));
    await change('a.txt', (record) => ({ ...record, current: null, history: [] }));
    for (const count of counts) {
      world.serve('a.txt', count === 4 ? '2.1.5.1\n1.6.6.3\n1.9.8.4\n1.6.6.3\n' : listOf(count));
      await world.later(HOUR);
      outcomes.push((await held()) ?? 'taken');
    }
    assert.deepEqual(outcomes, [
      'taken',
      'shrunk',
      'taken',
      'taken',
      'empty',
      'shrunk',
      'taken',
      'shrunk',
      'taken',
      'shrunk',
      'shrunk',
    ]);
  });

  it('does not take "not modified" for a confirmation of the last good one', async () => {
    world.serve('a.txt', { body: '', headers: { etag: '"empty"' } });
    await world.later(HOUR);
    world.serve('a.txt', { status: 304 });
    await world.later(HOUR);
    const { confirmedAt } = await world.record('a.txt');
    assert.deepEqual([await held(), confirmedAt], ['empty', START]);
    assert.equal(world.web.requests.at(-1)!.headers['if-none-match'], '"empty"');
  });

  it('is used when an operator accepts it', async () => {
    world.serve('a.txt', listOf(10));
    await world.later(HOUR);
    await change('a.txt', (record) => withHeldAccepted(record, world.now));
    await world.later(MINUTE);
    assert.equal((await world.listed()).length, 10);
    await world.later(HOUR);
    assert.deepEqual([await held(), (await world.listed()).length], [undefined, 10]);
  });

  it('is fetched again once the last good one has ended, whatever the source remembers', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'PT3H' } });
    const answer = (request: { headers: Readonly<Record<string, string>> }) =>
      request.headers['if-none-match'] === '"few"'
        ? { status: 304 }
        : { body: listOf(10), headers: { etag: '"few"' } };
    world.serve('a.txt', answer);
    for (let i = 0; i < 2; i++) await world.later(HOUR);
    assert.deepEqual([await held(), (await world.listed()).length], ['shrunk', 100]);
    for (let i = 0; i < 2; i++) await world.later(HOUR);
    assert.deepEqual([await held(), (await world.listed()).length], [undefined, 10]);
  });

  it('may be accepted long after it came', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'PT3H', refreshEvery: 'P1D' } });
    world.serve('a.txt', listOf(10));
    await change('a.txt', (record) => ({ ...record, requestedAt: world.now + 1 }));
    await world.later(MINUTE);
    assert.equal(await held(), 'shrunk');
    await world.later(5 * HOUR);
    await change('a.txt', (record) => withHeldAccepted(record, world.now));
    await world.later(MINUTE);
    assert.equal((await world.listed()).length, 10);
  });

  it('has an alert that tells when nothing is left to match', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'PT3H' } });
    world.serve('a.txt', '');
    const expired = async () => {
      for await (const { facts } of world.alerts.list()) {
        return (facts!['inUse'] as { expired: boolean }).expired;
      }
      return null;
    };
    await world.later(HOUR);
    assert.equal(await expired(), false);
    await world.later(2 * HOUR);
    assert.equal(await expired(), true);
  });

  it('is told of once, however often the same thing is fetched', async () => {
    world.serve('a.txt', '');
    await world.later(HOUR);
    const { since } = (await world.record('a.txt')).held!;
    await world.later(HOUR);
    assert.equal((await world.record('a.txt')).held!.since, since);
    for await (const { revision } of world.alerts.list()) assert.equal(revision, 1);
  });

  it('lives no longer than its time to live: then the next state is a first one', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'PT3H' } });
    world.serve('a.txt', '');
    await world.later(HOUR);
    await world.later(2 * HOUR);
    assert.deepEqual(await world.listed(), []);
    world.serve('a.txt', listOf(10));
    await world.later(HOUR);
    assert.equal((await world.listed()).length, 10);
  });
});

describe('going back to an earlier state', () => {
  beforeEach(async () => {
    await world.configure({ 'a.txt': {} });
    for (const body of [listOf(100), listOf(110), listOf(120)]) {
      world.serve('a.txt', { body, headers: { etag: `"${body.length}"` } });
      await world.later(HOUR);
    }
  });

  it('uses it at once, and stays there', async () => {
    await change('a.txt', (record) => withRollback(record, null, world.now));
    await world.later(MINUTE);
    assert.equal((await world.listed()).length, 110);
    await world.later(HOUR);
    assert.deepEqual(world.web.requests.at(-1)!.headers, {}, 'asked without validators');
    assert.equal((await world.record('a.txt')).held?.reason, 'rolledBack');
    assert.equal((await world.listed()).length, 110);
  });

  it('stays also where the source lists something a little different', async () => {
    await change('a.txt', (record) => withRollback(record, null, world.now));
    world.serve('a.txt', listOf(121));
    for (let i = 0; i < 3; i++) await world.later(HOUR);
    assert.equal((await world.listed()).length, 110);
    const { held, history } = await world.record('a.txt');
    assert.deepEqual([held?.reason, held?.state.counts.indicators], ['rolledBack', 121]);
    assert.equal(history.length, 1);
    assert.equal((await world.health())[0]?.status, 'active');
  });

  it('ends when the operator accepts what came since', async () => {
    await change('a.txt', (record) => withRollback(record, null, world.now));
    world.serve('a.txt', listOf(121));
    await world.later(HOUR);
    await change('a.txt', (record) => withHeldAccepted(record, world.now));
    world.serve('a.txt', listOf(122));
    await world.later(HOUR);
    assert.equal((await world.listed()).length, 122);
    assert.equal((await world.health())[0]?.status, 'resolved');
  });

  it('ends with the state that it goes back to', async () => {
    await change('a.txt', (record) => withRollback(record, null, world.now));
    await world.later(15 * DAY);
    assert.equal((await world.listed()).length, 120);
    world.serve('a.txt', listOf(121));
    await world.later(HOUR);
    assert.equal((await world.listed()).length, 121);
  });

  it('ends when the source itself lists that state again', async () => {
    await change('a.txt', (record) => withRollback(record, null, world.now));
    world.serve('a.txt', listOf(110));
    await world.later(HOUR);
    world.serve('a.txt', listOf(111));
    await world.later(HOUR);
    assert.equal((await world.listed()).length, 111);
  });

  it('reaches states that their files still stand for', async () => {
    const { history } = await world.record('a.txt');
    await change('a.txt', (record) => withRollback(record, history[1]!.id, world.now));
    await world.later(MINUTE);
    assert.equal((await world.listed()).length, 100);
  });
});

describe('a feed that cannot be had', () => {
  beforeEach(async () => {
    await world.configure({ 'a.txt': {}, 'b.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    world.serve('b.txt', '45.66.64.2\n');
    await world.refresh();
  });

  for (const [what, answer, code] of [
    ['an error page', { status: 500 }, 'http500'],
    ['a login page with 200', { headers: { 'content-type': 'text/html; charset=utf-8' } }, 'html'],
    ['HTML that calls itself text', { body: '<!DOCTYPE html><title>x' }, 'noReader'],
    ['a time-out', { error: new WebError('timeout', 'no answer') }, 'timeout'],
    [
      'a body that breaks off',
      { body: '45.66.64.1\n45', error: new WebError('network', 'reset') },
      'network',
    ],
    ['a gzip file cut short', { body: Buffer.from('1f8b0800000000000003', 'hex') }, 'damaged'],
    ['304 though nobody asked', { status: 304 }, 'http304'],
  ] as const) {
    it(`keeps its last good state, and stops no other feed: ${what}`, async () => {
      world.serve('a.txt', answer);
      world.serve('b.txt', '45.66.64.3\n');
      const summary = await world.later(HOUR);
      assert.deepEqual([summary.failed, summary.refreshed], [1, 1]);
      assert.equal((await world.record('a.txt')).failure?.code, code);
      assert.deepEqual(await world.listed(), ['a.txt 45.66.64.1/32', 'b.txt 45.66.64.3/32']);
    });
  }

  it('is tried again sooner, and is told of after the third time', async () => {
    world.serve('a.txt', { status: 503 });
    const waits = [];
    await world.later(HOUR);
    for (let i = 0; i < 4; i++) {
      const { failure, nextAttemptAt } = await world.record('a.txt');
      waits.push((nextAttemptAt - world.now) / MINUTE);
      assert.equal((await world.health()).length, failure!.times >= 3 ? 1 : 0);
      world.now = nextAttemptAt;
      await world.refresh();
    }
    assert.deepEqual(waits, [1, 2, 4, 8]);
    world.serve('a.txt', '45.66.64.1\n');
    await world.later(HOUR);
    assert.deepEqual(await world.health(), [
      { status: 'resolved', feed: 'a.txt', problem: 'failing', reason: 'http503' },
    ]);
  });

  it('is not asked before the server wants to be asked again', async () => {
    world.serve('a.txt', { status: 429, headers: { 'retry-after': '7200' } });
    await world.later(HOUR);
    assert.equal((await world.record('a.txt')).nextAttemptAt, world.now + 2 * HOUR);
  });

  it('leaves the index when its time to live is over, and is told of as expired', async () => {
    await world.configure({ 'a.txt': { timeToLive: 'P1D' }, 'b.txt': {} });
    world.serve('a.txt', { status: 503 });
    await world.later(DAY - HOUR);
    assert.equal((await world.listed()).length, 2);
    await world.later(HOUR);
    assert.deepEqual(await world.listed(), ['b.txt 45.66.64.2/32']);
    assert.deepEqual((await world.health())[0]?.problem, 'expired');
  });

  it('has the time to live of its kind where it has none of its own', async () => {
    await world.configure(
      { 'a.txt': { kind: 'scanner' }, 'b.txt': {} },
      { timeToLive: 'P30D', timeToLiveByKind: { scanner: 'P1D' } },
    );
    world.serve('a.txt', { status: 503 });
    world.serve('b.txt', { status: 503 });
    await world.later(DAY);
    assert.deepEqual(await world.listed(), ['b.txt 45.66.64.2/32']);
  });
});

describe('indicators with an end of their own', () => {
  const bundle = (...ends: readonly string[]) =>
    JSON.stringify({
      type: 'bundle',
      objects: ends.map((valid_until, i) => ({
        type: 'indicator',
        id: `indicator--0000000${i}-0000-4000-8000-000000000000`,
        modified: '2026-08-01T00:00:00Z',
        pattern: `[ipv4-addr:value = '45.66.64.${i}']`,
        valid_from: '2026-08-01T00:00:00Z',
        valid_until,
      })),
    });
  const inHours = (hours: number) => formatInstant(START + hours * HOUR);

  it('leave the index a day after it, though the feed stays the same', async () => {
    await world.configure({ 's.json': {} });
    world.serve('s.json', bundle(inHours(1), inHours(30), '9999-12-31T23:59:59Z'));
    await world.refresh();
    const count = async () => (await world.listed()).length;
    assert.equal(await count(), 3);
    await world.later(24 * HOUR);
    assert.equal(await count(), 3, 'late messages are still matched');
    await world.later(HOUR);
    assert.equal(await count(), 2);
    await world.later(29 * HOUR);
    assert.equal(await count(), 1);
  });

  it('carry their end, so that matching judges it by the time of the message', async () => {
    await world.configure({ 's.json': {} });
    world.serve('s.json', bundle(inHours(1)));
    await world.refresh();
    assert.equal((await world.matches('45.66.64.0'))[0]?.validUntil, inHours(1));
  });

  it('that passed before they were ever fetched are not published', async () => {
    await world.configure({ 's.json': {} });
    world.serve('s.json', bundle(inHours(-25), inHours(5)));
    await world.refresh();
    assert.deepEqual(await world.listed(), ['s.json 45.66.64.1/32']);
  });
});

describe('the allowlist', () => {
  it('goes with the snapshot, and changes without a new one', async () => {
    await world.configure({ 'a.txt': {} });
    world.serve('a.txt', '45.66.64.1\n');
    const { snapshot } = await world.refresh();
    await world.write('allowlist', [{ network: '45.66.64.0/24', reason: 'our own servers' }]);
    const summary = await world.later(MINUTE);
    assert.deepEqual([summary.snapshot, summary.ordinal, summary.changed], [snapshot, 2, true]);
    const { allowlistId } = (await world.services.snapshots.current())!.pointer;
    assert.notEqual(allowlistId, null);
    assert.equal((await world.later(MINUTE)).changed, false);
    await world.write('allowlist', []);
    await world.later(MINUTE);
    assert.equal((await world.services.snapshots.current())!.pointer.allowlistId, null);
  });

  it('may be there before any feed', async () => {
    await world.write('allowlist', [{ network: '45.66.64.0/24', reason: 'our own servers' }]);
    assert.equal((await world.refresh()).ordinal, 1);
  });

  it('stops the refresh when it is wrong: it must not be taken for empty', async () => {
    await world.write('allowlist', [{ network: '45.66.64.0/24' }]);
    await assert.rejects(world.refresh(), /0\.reason/);
  });
});
