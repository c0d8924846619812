import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/indicators/{address}`: who lists the address, what a contact would raise, and which devices had one lately. */
export async function explainIndicator(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { addressOf, explainAddress } =
      await import('../../shared/pipeline/feeds/operate/explain-address.ts');
    const { recentContacts } = await import('../../shared/pipeline/hunt/recent-contacts.ts');
    const { intelligence, hunts, clock } = await services();
    const address = addressOf(request.params['address'] ?? '');
    // Not `fresh()`: who has just changed the allowlist asks what that did.
    const loaded = await intelligence.refresh();
    const explanation = explainAddress(loaded, address, clock.now());
    return { jsonBody: { ...explanation, contacts: await recentContacts(hunts, loaded, address) } };
  });
}

app.http('explainIndicator', {
  methods: ['GET'],
  route: 'indicators/{address}',
  authLevel: 'function',
  handler: explainIndicator,
});
