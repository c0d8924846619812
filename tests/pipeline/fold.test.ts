import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeAlert } from '../../shared/pipeline/alerts.ts';
import type { Alert } from '../../shared/domain/alert/alert.ts';
import { IngestWorld, LISTED, MINUTE, SECOND, altered } from '../support/ingest-world.ts';

const CONNECTION = { remote: LISTED, bytesIn: 10, bytesOut: 20 };

async function worldWith(messages: number): Promise<IngestWorld> {
  const world = new IngestWorld({ maxFileBlocks: 100 });
  await world.list(LISTED);
  const instance = world.instance();
  const events = world.send(
    ...Array.from({ length: messages }, () => ({ connections: [CONNECTION] })),
  );
  for (const event of events) await instance.deliver([event]);
  return world;
}

async function onlyAlert(world: IngestWorld): Promise<Alert> {
  const [alert, ...more] = await world.allAlerts();
  assert.equal(more.length, 0);
  return alert!;
}

describe('the fold', () => {
  it('adds every row once, however often it runs and from wherever', async () => {
    const world = await worldWith(7);
    await world.fold();
    await world.fold();
    assert.deepEqual(await world.shown(), ['cam-1 192.0.2.10 high 7/7 70/140']);
    const summary = await world.fold();
    assert.deepEqual(summary, { blocks: 0, sightings: 0, alerts: 0 });
  });

  it('adds the rows once when it died between writing an alert and moving its position', async () => {
    const world = await worldWith(5);
    const dying = altered(world.checkpoints, {
      write: async () => {
        throw new Error('gone');
      },
    });
    await assert.rejects(world.fold({ checkpoints: dying }), /gone/);
    assert.deepEqual(await world.shown(), ['cam-1 192.0.2.10 high 5/5 50/100']);
    await world.instance().deliver(world.send({ connections: [CONNECTION] }));
    await world.fold();
    assert.deepEqual(await world.shown(), ['cam-1 192.0.2.10 high 6/6 60/120']);
    assert.equal((await onlyAlert(world)).revision, 1);
  });

  it('adds the rows once when two run at once', async () => {
    const world = await worldWith(40);
    await Promise.all([world.fold(), world.fold(), world.fold()]);
    assert.deepEqual(await world.shown(), ['cam-1 192.0.2.10 high 40/40 400/800']);
  });

  it('stops behind another that is ahead, and its position never goes back', async () => {
    const world = await worldWith(300); // more than one step of 256 blocks
    let overtaken = false;
    const raced = altered(world.checkpoints, {
      write: async (...args) => {
        if (!overtaken) {
          overtaken = true;
          await world.fold();
        }
        return world.checkpoints.write(...args);
      },
    });
    await world.fold({ checkpoints: raced });
    const name = 'fold/test~devices/0';
    const { value } = (await world.checkpoints.read(name))!;
    assert.equal((value as { position: { sequence: number } }).position.sequence, 299);
    assert.deepEqual(await world.shown(), ['cam-1 192.0.2.10 high 300/300 3000/6000']);
  });

  it('opens, raises and reopens what ingest did not', async () => {
    const world = new IngestWorld();
    await world.list(LISTED);
    const blind = world.instance({
      alerts: altered(world.alerts, {
        read: async () => {
          throw new Error('down');
        },
      }),
    });
    const attempt = async (bytesIn: number, bytesOut: number) => {
      const events = world.send({ connections: [{ remote: LISTED, bytesIn, bytesOut }] });
      await assert.rejects(blind.deliver(events), /down/);
    };
    await attempt(5, 0); // a probe
    await world.fold();
    assert.equal((await onlyAlert(world)).severity, 'low');
    await attempt(5, 5); // an exchange
    await world.fold();
    assert.equal((await onlyAlert(world)).severity, 'high');
    const { id } = await onlyAlert(world);
    const resolve = (alert: Alert | null): Alert => ({
      ...alert!,
      status: 'resolved',
      resolvedAt: world.now,
    });
    await changeAlert(world.alerts, 'cam-1', id, resolve);
    world.now += MINUTE;
    await attempt(1, 1);
    await world.fold();
    assert.deepEqual(
      [(await onlyAlert(world)).status, (await onlyAlert(world)).revision],
      ['active', 3],
    );
  });

  it('counts what came before a person resolved the alert, but does not reopen it for that', async () => {
    const world = await worldWith(1);
    await world.fold();
    const events = world.send({ connections: [CONNECTION] });
    await world.instance().deliver(events);
    world.now += 10 * SECOND;
    const { id } = await onlyAlert(world);
    const resolvedAt = world.now;
    await changeAlert(world.alerts, 'cam-1', id, (alert) => ({
      ...alert!,
      status: 'resolved',
      resolvedAt,
    }));
    await world.fold();
    const alert = await onlyAlert(world);
    assert.deepEqual([alert.status, alert.live!.totals.messages], ['resolved', 2]);
  });

  it('counts for a dismissed alert and never reopens it', async () => {
    const world = await worldWith(1);
    const { id } = await onlyAlert(world);
    await changeAlert(world.alerts, 'cam-1', id, (alert) => ({ ...alert!, status: 'dismissed' }));
    world.now += MINUTE;
    await world.instance().deliver(world.send({ connections: [CONNECTION] }));
    await world.fold();
    const alert = await onlyAlert(world);
    assert.deepEqual([alert.status, alert.live!.totals.messages], ['dismissed', 2]);
  });

  it('refuses a position that somebody edited, and names it', async () => {
    const world = await worldWith(1);
    await world.checkpoints.write('fold/test~devices/0', { place: 'there' }, null);
    await assert.rejects(world.fold(), /fold\/test~devices\/0 is not a position/);
  });
});
