import type { APIResponse } from '@playwright/test';

/** The run ends as degraded, unless something failed that was no soft assertion. */
export function markCheckAsDegraded(reason?: string): void;

/** How long the request took, to the end of its response, in ms. */
export function getAPIResponseTime(response: APIResponse): number;
