import { type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/allowlist`: the addresses that are vouched for, each with its reason. */
export async function listAllowlist(): Promise<HttpResponseInit> {
  return answering(async () => {
    const manage = await import('../../shared/pipeline/feeds/operate/manage-allowlist.ts');
    const { configuration, clock } = await (await services()).feeds();
    return { jsonBody: { value: await manage.listAllowlist(configuration, clock.now()) } };
  });
}

app.http('listAllowlist', {
  methods: ['GET'],
  route: 'allowlist',
  authLevel: 'function',
  handler: listAllowlist,
});
