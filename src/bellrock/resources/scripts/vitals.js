// Runs in every page before its own scripts, and tells what visitors feel of it, as it becomes known.
// Times are ms since the navigation began; CLS is a score.
//
//   TTFB  the first byte of the document      FCP  the first text or picture
//   LCP   the largest text or picture so far  CLS  how much the page moved by itself
//   TBT   how long tasks after FCP would have kept input waiting: of each task what goes beyond 50 ms

(() => {
  'use strict';

  const send = window.__bellrock_vitals;
  if (!send || window !== window.top || !/^(https?|file):$/.test(location.protocol)) return;

  const QUICK_TASK_MS = 50;
  const LONGEST_GAP_OF_SHIFTS_MS = 1000;
  const LONGEST_BURST_OF_SHIFTS_MS = 5000;

  const visit = `${performance.timeOrigin}-${Math.random()}`;
  const url = location.href;
  const vitals = {};
  const tasks = [];
  const burst = { began: 0, ended: 0, score: 0 };

  const tell = () => send({ visit, url, vitals: { ...vitals } });

  function follow(type, take) {
    if (!PerformanceObserver.supportedEntryTypes.includes(type)) return;
    new PerformanceObserver(list => {
      list.getEntries().forEach(take);
      tell();
    }).observe({ type, buffered: true });
  }

  function blocking(task) {
    const end = task.startTime + task.duration;
    return Math.max(0, Math.min(task.duration, end - vitals.FCP) - QUICK_TASK_MS);
  }

  function addTasks() {
    if (vitals.FCP !== undefined) vitals.TBT = tasks.reduce((sum, task) => sum + blocking(task), 0);
  }

  // Shifts that follow each other closely are one burst; the worst burst counts.
  function addShift(shift) {
    if (shift.hadRecentInput) return;
    const goesOn = shift.startTime - burst.ended < LONGEST_GAP_OF_SHIFTS_MS && shift.startTime - burst.began < LONGEST_BURST_OF_SHIFTS_MS;
    if (!goesOn) Object.assign(burst, { began: shift.startTime, score: 0 });
    burst.ended = shift.startTime;
    burst.score += shift.value;
    vitals.CLS = Math.max(vitals.CLS || 0, burst.score);
  }

  const navigation = performance.getEntriesByType('navigation')[0];
  if (navigation && navigation.responseStart > 0) vitals.TTFB = navigation.responseStart;
  tell();

  follow('paint', entry => {
    if (entry.name !== 'first-contentful-paint') return;
    vitals.FCP = entry.startTime;
    vitals.CLS = vitals.CLS || 0;
    addTasks();
  });
  follow('largest-contentful-paint', entry => { vitals.LCP = entry.startTime; });
  follow('layout-shift', addShift);
  follow('longtask', task => {
    tasks.push({ startTime: task.startTime, duration: task.duration });
    addTasks();
  });
})();
