import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { paginate } from "@wellapi/client";
import {
  Invitation_State,
  InvitationSchema,
  type Member,
  MemberSchema,
  MemberService,
  RemoveMemberResponseSchema,
} from "@wellapi/gen/wellapi/identity/v1/member_service_pb";
import type { Role } from "@wellapi/gen/wellapi/type/v1/callers_pb";
import type { Command } from "commander";
import { nameOf, wordOption } from "../arguments.ts";
import { connect } from "../connection.ts";
import type { Io } from "../io.ts";
import { createOutput, type Output, timeText } from "../output.ts";
import { memberRoles, roleNames } from "../role-names.ts";
import { addConnectionOptions, type Settings, settingsOf } from "../settings.ts";

const invitationStates = {
  pending: Invitation_State.PENDING,
  accepted: Invitation_State.ACCEPTED,
  revoked: Invitation_State.REVOKED,
  expired: Invitation_State.EXPIRED,
} as const;

const rolesText = (roles: readonly Role[]) => roles.map((role) => nameOf(roleNames, role)).join(", ");

export function addMember(program: Command, io: Io): void {
  const group = program.command("member").description("people of an organization, and their roles");
  addInvite(group, io);
  addInvitations(group, io);
  addList(group, io);
  addRoles(group, io);
  addRemove(group, io);
}

const membersOf = async (settings: Settings) => createClient(MemberService, await connect(settings));

/** A command about one organization's members. */
function addOf(group: Command, io: Io, words: string): Command {
  return addConnectionOptions(group.command(words), io).requiredOption(
    "--organization <id>",
    "the organization",
  );
}

function addInvite(group: Command, io: Io): void {
  addOf(group, io, "invite <email>")
    .description("invite a person by e-mail; the mail has a link that works once, within seven days")
    .addOption(wordOption("--role <word...>", "what they may do", memberRoles).makeOptionMandatory())
    .option("--language <tag>", "of the mail, en or de")
    .option("--request-id <id>", "sending it again sends the mail again")
    .addHelpText(
      "after",
      "\nExample: wellapi member invite kim@clinic.example --organization org_... --role owner",
    )
    .action(
      async (
        email: string,
        options: { organization: string; role: Role[]; language?: string; requestId?: string },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const { organization, role: roles, language = "", requestId = randomUUID() } = options;
        const client = await membersOf(settings);
        const { invitation } = await client.inviteMember({ organization, email, roles, language, requestId });
        if (invitation === undefined) return;
        createOutput(io, settings.json).message(
          InvitationSchema,
          invitation,
          () => `${invitation.id}  ${rolesText(invitation.roles)}  until ${timeText(invitation.expireTime)}`,
        );
      },
    );
}

function addInvitations(group: Command, io: Io): void {
  addOf(group, io, "invitations")
    .description("list invitations, newest first")
    .addHelpText("after", "\nExample: wellapi member invitations --organization org_...")
    .action(async ({ organization }: { organization: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = await membersOf(settings);
      const all = await Array.fromAsync(
        paginate(
          (pageToken) => client.listInvitations({ organization, pageToken }),
          (page) => page.invitations,
        ),
      );
      createOutput(io, settings.json).rows(
        InvitationSchema,
        all,
        ["invitation", "e-mail", "roles", "state", "until", "account"],
        (one) => [
          one.id,
          one.email,
          rolesText(one.roles),
          nameOf(invitationStates, one.state),
          timeText(one.expireTime),
          one.account,
        ],
      );
    });
  addOf(group, io, "take-back <invitation>")
    .description("take an invitation back")
    .addHelpText("after", "\nExample: wellapi member take-back inv_... --organization org_...")
    .action(async (invitation: string, { organization }: { organization: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const revoked = await (await membersOf(settings)).revokeInvitation({ organization, invitation });
      const { invitation: one } = revoked;
      if (one === undefined) return;
      createOutput(io, settings.json).message(
        InvitationSchema,
        one,
        () => `${one.id}  ${nameOf(invitationStates, one.state)}`,
      );
    });
}

function addList(group: Command, io: Io): void {
  addOf(group, io, "list")
    .description("list members")
    .addHelpText("after", "\nExample: wellapi member list --organization org_...")
    .action(async ({ organization }: { organization: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const client = await membersOf(settings);
      const all = await Array.fromAsync(
        paginate(
          (pageToken) => client.listMembers({ organization, pageToken }),
          (page) => page.members,
        ),
      );
      createOutput(io, settings.json).rows(
        MemberSchema,
        all,
        ["account", "e-mail", "roles", "since"],
        (one) => [one.account, one.email, rolesText(one.roles), timeText(one.createTime)],
      );
    });
}

function addRoles(group: Command, io: Io): void {
  addOf(group, io, "roles <account>")
    .description("give a member these roles, and take the others")
    .addOption(wordOption("--role <word...>", "what they may do", memberRoles).makeOptionMandatory())
    .option("--etag <etag>", "only if the member still is at this version")
    .addHelpText(
      "after",
      "\nExample: wellapi member roles usr_... --organization org_... --role clinician auditor",
    )
    .action(
      async (
        account: string,
        { organization, role: roles, etag = "" }: { organization: string; role: Role[]; etag?: string },
        command: Command,
      ) => {
        const settings = settingsOf(command, io);
        const client = await membersOf(settings);
        const updated = await client.updateMember({ member: { organization, account, roles, etag } });
        show(createOutput(io, settings.json), updated.member);
      },
    );
}

function addRemove(group: Command, io: Io): void {
  addOf(group, io, "remove <account>")
    .description("end a membership; the person's calls are refused from then on")
    .addHelpText("after", "\nExample: wellapi member remove usr_... --organization org_...")
    .action(async (account: string, { organization }: { organization: string }, command: Command) => {
      const settings = settingsOf(command, io);
      const removed = await (await membersOf(settings)).removeMember({ organization, account });
      createOutput(io, settings.json).message(
        RemoveMemberResponseSchema,
        removed,
        () => `${account} removed`,
      );
    });
}

function show(output: Output, member: Member | undefined): void {
  if (member === undefined) return;
  output.message(MemberSchema, member, () => `${member.account}  ${rolesText(member.roles)}`);
}
