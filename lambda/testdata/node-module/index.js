import { sep } from 'node:path';
export function handler(event, context, callback) { callback(null, sep); }
