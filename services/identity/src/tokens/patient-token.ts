/** A token that a patient may show. The token itself is stored nowhere. Times are UTC milliseconds. */
export interface PatientToken {
  /** `tok_...` */
  readonly id: string;
  /** The operator who issued it. */
  readonly operator: string;
  readonly createTime: number;
  readonly expireTime: number;
  readonly revokeTime?: number;
}
