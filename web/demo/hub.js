// What every demo's page asks of the hub by plain HTTP, and of the browser.

// The newest event of the topic as the hub's JSON has it, null when there is none.
export async function newest_event(topic) {
  const answer = await fetch(`/t/${topic}?limit=1`, {
    headers: { accept: 'application/json' }, cache: 'no-store',
  });
  if (!answer.ok) throw new Error(`the hub answered ${answer.status}`);
  const page = await answer.json();
  return page.events.length === 0 ? null : page.events[0];
}

export function browser_timers() {
  return {
    setTimeout: (call, delay_ms) => window.setTimeout(call, delay_ms),
    clearTimeout: (timer) => window.clearTimeout(timer),
  };
}
