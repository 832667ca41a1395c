import { setTimeout as delay } from "node:timers/promises";
import { createMovesFollower, type OrganizationTimes } from "@wellapi/service";
import { type Stored, StoreError } from "@wellapi/store";
import { VaultError } from "@wellapi/vault";
import { NoticesError } from "../errors.ts";
import { type CourseClient, isAway } from "./course-client.ts";
import {
  type Course,
  courseOfConsent,
  courseOfObligation,
  courseOfRequest,
  courseOfRights,
  type OverdueStep,
  overdueIn,
  type Subject,
} from "./event.ts";
import { subjectOfTimer, type TimerDocument } from "./feed-documents.ts";
import type { FeedWriter } from "./feed-writer.ts";

export interface FollowingDeps {
  readonly feed: FeedWriter;
  readonly courses: CourseClient;
  readonly clock: { now(): number };
  /** What becomes of something by itself does at the organization's time; timers are kept by the true time. */
  readonly times: OrganizationTimes;
  readonly feedOf: (organization: string) => string;
  readonly log: { warn(fields: object, message: string): void };
  /**
   * Says that an organization may have new events. Also where it has none: whoever died before this came of it follows the same again.
   * Throws StoreError.
   */
  readonly told: (organization: string) => Promise<void>;
  /** Tells the patient that an organization did not answer in time; again: nothing. Throws StoreError, VaultError, NoticesError. */
  readonly tellPatient: (patient: string, organization: string, overdue: OverdueStep) => Promise<void>;
}

/**
 * Follows what becomes of consents, requests, obligations and rights. An event of consent, and a timer, only say where to look: what is told is what
 * consent says then, so nothing is told twice, and what was missed once is told with the next.
 */
export interface Following {
  /**
   * Tries again where something is away, until the signal aborts: were the event set aside, later ones of the same patient would be
   * told first. Throws what trying again does not mend, and where the signal aborts.
   */
  follow(patient: string, subject: Subject, signal: AbortSignal): Promise<void>;
  /** Follows what is due. */
  work(): Promise<void>;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const AT_ONCE = 100;

export function createFollowing(deps: FollowingDeps): Following {
  const { feed, courses, clock, times, log, told, tellPatient } = deps;

  async function courseOf(patient: string, subject: Subject): Promise<Course | undefined> {
    const { consent, consentRequest, rightsRequest, deletionObligation = "" } = subject;
    if (consent !== undefined) {
      const facts = await courses.consent(patient, consent);
      return facts && courseOfConsent(consent, facts, times.now(facts.organization));
    }
    if (consentRequest !== undefined) {
      const facts = await courses.request(patient, consentRequest);
      return facts && courseOfRequest(consentRequest, facts);
    }
    if (rightsRequest !== undefined) {
      const facts = await courses.rights(patient, rightsRequest);
      return facts && courseOfRights(rightsRequest, facts);
    }
    const facts = await courses.obligation(patient, deletionObligation);
    return facts && courseOfObligation(deletionObligation, facts);
  }

  /** False where there is nothing to follow any more. */
  async function once(patient: string, subject: Subject): Promise<boolean> {
    await times.look();
    const course = await courseOf(patient, subject);
    if (course === undefined) return false;
    // Before the timer ends: whoever dies in between comes here again.
    const overdue = overdueIn(course);
    if (overdue !== undefined) await tellPatient(patient, course.organization, overdue);
    await feed.follow(patient, subject, byTrueTime(course, times), clock.now());
    await told(course.organization);
    return true;
  }

  async function workOff(timer: Stored<TimerDocument>): Promise<void> {
    if (!(await once(timer.document.patient, subjectOfTimer(timer.document)))) await feed.endTimer(timer);
  }

  const untold = (err: unknown) =>
    log.warn({ err }, "what became of something by itself could not be told; trying again");

  /** Following again sets the timer anew, and tells what is due at once. */
  const followMoves = createMovesFollower(times, async () => {
    for (const organization of times.moved().ahead.keys()) {
      for await (const timer of feed.timersOf(deps.feedOf(organization))) {
        await workOff(timer).catch((err: unknown) => {
          // Then the whole pass is made again: a timer that was left out would be late by as much as the clock is ahead.
          if (passes(err)) throw err;
          untold(err);
        });
      }
    }
  });

  return {
    async follow(patient, subject, signal) {
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)) {
        try {
          await once(patient, subject);
          return;
        } catch (err) {
          if (signal.aborted || !passes(err)) throw err;
          log.warn({ err }, "an organization waits to be told; trying again");
        }
        await delay(pause, undefined, { signal });
      }
    },
    async work() {
      await followMoves();
      for (const timer of await feed.dueTimers(clock.now(), AT_ONCE)) await workOff(timer).catch(untold);
    },
  };
}

/** With the timer where it is due by the true time. */
function byTrueTime({ due, ...course }: Course, times: Pick<OrganizationTimes, "aheadOf">): Course {
  return due === undefined ? course : { ...course, due: due - times.aheadOf(course.organization) };
}

/** Whether it may go better a moment later. */
function passes(error: unknown): boolean {
  const ours = error instanceof StoreError || error instanceof VaultError || error instanceof NoticesError;
  return ours ? error.code === "unavailable" : isAway(error);
}
