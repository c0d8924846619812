import { app } from '@azure/functions';
import { closeServices } from '../shared/wiring.ts';

app.hook.appTerminate(closeServices);
