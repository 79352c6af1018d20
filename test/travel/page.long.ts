import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import type { Visit } from './browser.js';
import { openBrowser, visit } from './browser.js';

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const START_MS = 90_000;
const TEST_MS = 120_000;
/** How long one thing may take to show on the page. */
const SHOWS_MS = 45_000;

let dir: string;
let demo: ChildProcess;
let browser: Browser;
let url: string;
let visitor: Visit;
let page: Page;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'travel-page-'));
  browser = await openBrowser();
  demo = spawn(process.execPath, [root('dist/travel/main.js'), '--dir', join(dir, 'demo')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await pagePrinted(demo);
  visitor = await visit(browser, url);
  page = visitor.page;
  page.setDefaultTimeout(SHOWS_MS);
}, START_MS);

afterAll(async () => {
  await browser?.close();
  demo?.kill('SIGTERM');
  if (demo?.exitCode === null) await once(demo, 'exit');
  rmSync(dir, { recursive: true, force: true });
}, START_MS);

async function pagePrinted({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('no standard output');
  for await (const line of createInterface({ input: stdout })) {
    const [, found] = /web page:\s+(http\S+)/.exec(line) ?? [];
    if (found !== undefined) {
      stdout.resume();
      return found;
    }
  }
  throw new Error('the demo ended before it printed the address of the page');
}

// --- what a visitor does and sees -----------------------------------------------------------------------------------------

const replica = (id: number): Locator => page.locator(`article[data-replica="${id}"]`);
const tripOf = (customer: string): Locator => page.locator('.trips tbody tr', { hasText: customer });
const happened = (words: string): Locator => page.locator('#happened li', { hasText: words });

/** Presses a button of a replica, and waits until the demo has done it. */
async function act(id: number, action: string): Promise<void> {
  await replica(id).locator(`[data-action="${action}"]`).click();
  await page.locator(`article[data-replica="${id}"]:not([aria-busy])`).waitFor();
}

async function book(customer: string): Promise<void> {
  await page.getByLabel('Name').fill(customer);
  await page.getByRole('button', { name: 'Book this trip' }).click();
}

async function isOver(customer: string, outcome: 'Booked' | 'Undone', airline: string, hotel: string): Promise<void> {
  const trip = tripOf(customer);
  await trip.locator('td').nth(2).getByText(outcome, { exact: true }).waitFor();
  await trip.locator('td').nth(3).getByText(airline, { exact: true }).waitFor();
  await trip.locator('td').nth(4).getByText(hotel, { exact: true }).waitFor();
}

const allAgree = (): Promise<void> => happened('All 4 hold the same state').waitFor();

describe('the agency’s page', () => {
  test(
    'books a trip with the keyboard alone',
    async () => {
      await page.getByText('All 4 replicas answer').waitFor();
      await page.locator('body').press('Tab');
      expect(await focused()).toBe('Skip to booking');
      await tabTo('customer');
      await page.keyboard.type('Kay');
      await tabTo('airline');
      await tabTo('hotel');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Book this trip');
      await page.keyboard.press('Enter');
      await isOver('Kay', 'Booked', 'Sold', 'Sold');
    },
    TEST_MS,
  );

  test(
    'shows the trip’s messages, each with its signer and the replicas that certified it',
    async () => {
      const lines = page.locator('#timeline .lines > li');
      await page.locator('#timeline').getByText('The hotel has confirmed; this is final.').waitFor();
      expect(await lines.first().innerText()).toMatch(/opens an activity[^]*CreateCoordinationContext signed by the agency/);
      const requests = await page.locator('#timeline li.request').all();
      // Create, two invitations, two registrations, complete, twice Completed, close, twice Closed.
      expect(requests).toHaveLength(11);
      for (const request of requests)
        expect(await request.locator('.votes .unseen').innerText()).toMatch(/^Certified by replicas \d/);
      const commands = await page.locator('#timeline li.command code').allInnerTexts();
      expect(commands.sort()).toEqual(['Close', 'Close', 'Complete', 'Complete']);
      expect(await picture('travel-timeline', { of: page.locator('#timeline') })).toBeGreaterThan(20_000);
    },
    TEST_MS,
  );

  test(
    'shows what the airline and the hotel have left, and changes without a reload',
    async () => {
      const left = page.locator('article[data-key="hotel"] tr', { hasText: 'Room in Lisbon' }).locator('td').first();
      await left.getByText('19', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Make the hotel full' }).click();
      await left.getByText('0', { exact: true }).waitFor();
      await happened('The hotel is full').waitFor();
      await book('Ben');
      await isOver('Ben', 'Undone', 'Given back', 'None left');
      await happened('The hotel says it cannot complete; the agency cancels; the airline compensated').waitFor();
      await happened('The seat is back in stock').waitFor();
      await page.getByRole('button', { name: 'Free the rooms again' }).click();
      await left.getByText('20', { exact: true }).waitFor();
    },
    TEST_MS,
  );

  test(
    'books while a replica is killed, and shows it agree again after a restart',
    async () => {
      await act(2, 'kill');
      await replica(2).getByText('Does not answer').waitFor();
      await page.getByText('3 of 4 replicas answer').waitFor();
      await book('Cleo');
      await isOver('Cleo', 'Booked', 'Sold', 'Sold');
      await act(2, 'restart');
      await replica(2).getByText('Same state as the others').waitFor();
      await allAgree();
    },
    TEST_MS,
  );

  test(
    'shows a paused replica as one that does not answer, until it goes on or is restarted',
    async () => {
      await act(1, 'pause');
      await replica(1).getByText('It takes no questions in time: paused, or cut off.').waitFor();
      await act(1, 'continue');
      await replica(1).getByText('Same state as the others').waitFor();
      await act(1, 'pause');
      await replica(1).getByText('Does not answer').waitFor();
      await act(1, 'restart');
      await replica(1).getByText('Same state as the others').waitFor();
    },
    TEST_MS,
  );

  test(
    'books while a replica lies, names the liar with its two signed votes, and shows it agree again',
    async () => {
      await act(3, 'corrupt');
      await replica(3).getByText('Same state as the others').waitFor();
      await book('Dan');
      await isOver('Dan', 'Booked', 'Sold', 'Sold');
      await happened('Replica 3 was caught lying').waitFor();
      await replica(3).getByText('Caught lying').waitFor();
      const proof = page.locator('details[data-liar="3"]').first();
      await proof.locator('summary').click();
      const [first, second, ...more] = await proof.locator('.vote-of').allInnerTexts();
      expect(first).toMatch(/^(echo|ready) for [0-9a-f]{64}$/);
      expect(second).toMatch(/^(echo|ready) for [0-9a-f]{64}$/);
      expect([first === second, more]).toEqual([false, []]);
      expect(await page.locator('article.replica', { hasText: 'Caught lying' }).count()).toBe(1);
      expect(
        await picture('travel-caught-liar', { of: page.locator('section', { has: page.locator('#replicas') }) }),
      ).toBeGreaterThan(20_000);
      await proof.locator('summary').click();
      await act(3, 'restart');
      await allAgree();
      await book('Eve');
      await isOver('Eve', 'Booked', 'Sold', 'Sold');
      await allAgree();
    },
    TEST_MS,
  );

  test(
    'says that nothing can be decided without three replicas, and goes on with what waited',
    async () => {
      await act(1, 'kill');
      await replica(1).getByText('Does not answer').waitFor();
      await act(2, 'kill');
      await page.getByText('Nothing can be decided until 3 do').waitFor();
      await book('Fay');
      await tripOf('Fay').getByText('Waiting for three replicas').waitFor();
      await happened('nothing is lost').waitFor();
      await act(1, 'restart');
      await act(2, 'restart');
      await isOver('Fay', 'Booked', 'Sold', 'Sold');
      await allAgree();
    },
    TEST_MS,
  );

  test('complained of nothing in the browser’s console, and took nothing from elsewhere', () => {
    expect(visitor.complaints).toEqual([]);
    expect(visitor.elsewhere).toEqual([]);
  });

  test(
    'says so when the order or an action is refused, and when its server cannot be reached',
    async () => {
      const { page: other } = await visit(browser, url);
      await other.getByText('All 4 replicas answer').waitFor();
      await other.getByLabel('Name').fill('   ');
      await other.getByRole('button', { name: 'Book this trip' }).click();
      await other.getByText('Not booked: customer must be one line').waitFor();
      await other.route('**/replicas/**', (route) =>
        route.fulfill({ status: 502, json: { message: 'replica-4 did not start' } }),
      );
      await other.locator('article[data-replica="4"] [data-action="pause"]').click();
      await other.getByText('“Pause” for replica 4 did not work: replica-4 did not start.').waitFor();
      await other.route('**/events*', (route) => route.abort());
      await other.locator('[data-show]').last().click();
      await other.getByText('The connection to the agency is lost').waitFor();
      await other.unroute('**/events*');
      await other.getByText('The connection to the agency is lost').waitFor({ state: 'hidden', timeout: SHOWS_MS });
      await other.context().close();
    },
    TEST_MS,
  );

  test(
    'shows commands to type in place of buttons where it controls nothing',
    async () => {
      const view: unknown = await (await fetch(`${url}view`)).json();
      const typed = JSON.stringify({ ...(view as object), controls: 'commands' });
      const context = await browser.newContext();
      await context.route('**/events*', (route) =>
        route.fulfill({ contentType: 'text/event-stream', body: `data: ${typed}\n\n` }),
      );
      const other = await context.newPage();
      await other.goto(url);
      await other.locator('article[data-replica="2"] summary').click();
      await other.getByText('docker compose unpause replica2').waitFor();
      expect(await other.locator('[data-action]').count()).toBe(0);
      await context.close();
    },
    TEST_MS,
  );

  test.each([360, 390, 768])(
    'fits a window of %i pixels without scrolling sideways, with buttons big enough for a finger',
    async (width) => {
      await page.setViewportSize({ width, height: 800 });
      const outside = await page.evaluate(`[...document.querySelectorAll('body *')]
        .filter((element) => element.closest('.unseen, .scroll, .skip, option, svg') === null)
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => element.outerHTML.slice(0, 120))`);
      expect(outside).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      const small = await page.evaluate(`[...document.querySelectorAll('button, input, select, summary')]
        .filter((element) => element.getBoundingClientRect().height < 44).map((element) => element.outerHTML)`);
      expect(small).toEqual([]);
    },
    TEST_MS,
  );

  test.each([
    ['desktop-light', 1280, 1750, 'light'],
    ['desktop-dark', 1280, 1750, 'dark'],
    ['phone-light', 390, 1750, 'light'],
    ['phone-dark', 390, 1750, 'dark'],
  ] as const)(
    'has its picture taken: %s',
    async (name, width, height, colorScheme) => {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.evaluate('scrollTo(0, 0)');
      expect(await picture(`travel-${name}`, { height })).toBeGreaterThan(20_000);
    },
    TEST_MS,
  );
});

// --- helpers ----------------------------------------------------------------------------------------------------------------

const focused = (): Promise<unknown> => page.evaluate('document.activeElement.id || document.activeElement.textContent.trim()');

async function tabTo(id: string): Promise<void> {
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await focused()) === id) return;
  }
  throw new Error(`Tab does not come to ${id}`);
}

/** Takes a picture for the docs when asked to, else for nobody: of the page's upper part, or of a part. @returns bytes */
async function picture(name: string, { height = 900, of }: { height?: number; of?: Locator } = {}): Promise<number> {
  const folder = process.env['UPDATE_SCREENSHOTS'] === '1' ? root('docs/images') : join(dir, 'images');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  const clip = of === undefined ? { x: 0, y: 0, width: page.viewportSize()?.width ?? 0, height } : await framed(of);
  await page.screenshot({ path, fullPage: true, clip, animations: 'disabled' });
  return statSync(path).size;
}

/** A part of the page, with a margin around it. */
async function framed(of: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  await page.evaluate('scrollTo(0, 0)');
  const box = await of.boundingBox();
  if (box === null) throw new Error('it is not on the page');
  const margin = 20;
  return { x: box.x - margin, y: box.y - margin, width: box.width + 2 * margin, height: box.height + 2 * margin };
}
