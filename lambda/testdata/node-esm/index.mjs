export const handler = async (event) => ({ esm: true, url: import.meta.url.endsWith('index.mjs'), event });
