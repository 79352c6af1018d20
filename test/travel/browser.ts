import { existsSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

/** Debian's package `chromium`. */
const PROGRAM = '/usr/bin/chromium';
const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function openBrowser(): Promise<Browser> {
  if (!existsSync(PROGRAM))
    throw new Error(`${PROGRAM} is not there: install Debian's package chromium to run the tests of the page`);
  return chromium.launch({ executablePath: PROGRAM, args: QUIET });
}

export interface Visit {
  readonly page: Page;
  /** Every error that the browser's console or a script reported. */
  readonly complaints: string[];
  /** Every address that was asked for outside the page's own server. */
  readonly elsewhere: string[];
}

/** Opens the page as a new visitor. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const elsewhere: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) elsewhere.push(request.url());
  });
  await page.goto(url);
  return { page, complaints, elsewhere };
}
