/** A company or clinic. Times are UTC milliseconds. */
export interface Organization {
  /** `org_...` */
  readonly id: string;
  readonly displayName: string;
  readonly createTime: number;
}

/** A program of an organization; it holds credentials. */
export interface Application {
  /** `app_...` */
  readonly id: string;
  readonly organization: string;
  readonly displayName: string;
  readonly createTime: number;
}
