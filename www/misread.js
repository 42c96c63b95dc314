// What the page's address asks for and the page does not understand: it is told, and the page goes on without.

import { has, t } from './i18n.js';
import { broken, unknown } from './query.js';
import { strangers } from './taught.js';

/** Told as a card: at once, and as soon as it is known which controls there are. */
export function misread(session) {
  const lines = [
    ...unknown.map((key) => t('address.unknown', { key })),
    ...broken.map(([key, value]) => t('address.broken', { key, value: shortened(value), hint: has(`address.${key}`) ? t(`address.${key}`) : '' })),
  ];
  const tell = () => lines.length && session.emit('card', { key: 'address', args: { list: lines.join('\n') } });
  tell();
  const off = session.on('schema', (schema) => {
    off();
    const keys = strangers(schema);
    lines.push(...keys.map((key) => t('address.stranger', { key, demo: schema.demo })));
    if (keys.length) tell();
  });
}

const shortened = (text) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
