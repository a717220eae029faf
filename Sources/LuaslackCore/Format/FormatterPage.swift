/// All that a formatter can use, on one page of a terminal: `luaslack help formatter`. A test holds it
/// against docs/formatters.md and against what the sandbox has.
public enum FormatterPage {
  public static var text: String {
    let limits = SandboxLimits()
    return """
      A formatter is a Lua 5.4 file in /etc/luaslack/formatters/ that changes a
      message before it goes to Slack. They run in the order of their names.

        return {
          ban = function(event, payload)
            payload.text = slack.bold(event.jail) .. " bans " .. slack.code(event.ip)
            payload.attachments[1].color = "#d64545"
          end,
        }

        luaslack preview           see what Slack would show
        luaslack check             try it on sample events
        luaslack formatter test    compare it with its cases
        luaslack formatter new     begin another one
        man luaslack-formatters    the guide, with examples of everything

      Functions: ban unban prolong jail_start jail_stop notify; any, for those of
      them that have none; jail_flush, digest, warning and report, called by their
      own name only.

      A function returns
        nothing                            payload goes on, with your changes
        a table                            that goes on in its place
        slack.mute([reason])               no message; it is counted
        slack.digest()                     a line in the next digest only
        payload, { to = { "security" } }   to these destinations of the config
        payload, { thread = "reply" }      into the thread of its ban

      event, always there
        kind jail host         what happened, where; a notification's jail is empty
        severity reasons       "info", "warning", "critical"; why, a list of sentences
        time now delay         seconds since 1970: then, and now; how many lie between
        fields                 what --field name=text gave, by name
        lists                  by name: false, or a list of entries that hold the ip

      event, nil if there is none: ask first, `if event.user then`
        ip id family           the address; what is banned; "inet4" or "inet6"
        failures               how many; like bantime text if it is no number
        bantime bancount       seconds, -1 for good; 2 for the second ban
        user matches           who was tried; the log lines: an attacker's words
        matches_left_out       how many bytes of them were too many
        valid_user friendly    true for a user or an address that belongs to you
        restored               true if fail2ban repeats a ban after a restart
        unban_command          lifts the ban
        title text submitter   of a notification; submitter: which user left it
        text_left_out          how many bytes of its text were too many
        plain                  true if its text is words and no code
        run                    how one ended: program exit signal problem seconds
        jails change           of several jails that start or stop at once
        change_in_words        the same, as `2 jails stopped: sshd, nginx`
        history geo rdns       bans before; where it is and whose; its name; or nil

      digest, what digest = function(digest, payload) gets
        count left_out         how many events; how many are not in events
        events critical        lists of events: the first; the first critical ones
        warnings               early warnings, with phase rule group summary mention
        by_jail by_kind        how many, by name
        jails networks users   the most frequent, a list of { name = , count = }
        first last time        seconds since 1970; time is last
        muted reduced          how many muted; how many kept without log lines
        kind host severity now as of an event; severity is the loudest

      report, what report = function(event, payload) gets
        from to length period      seconds since 1970; how long; "24 hours"
        totals                     bans, failures, …: each { count =, before = }
        bars quiet last_ban        bars.text is a picture of the bans; none at all
        jails addresses networks   those with most bans, lists of { name =, bans = }
        countries users offenders  the same
        destinations               whether messages arrive

      payload, the message so far
        text                   what a phone shows, and the message without blocks
        attachments            a list; [1] has color fields text footer ts
        blocks                 a list of what the functions below make
        username icon_emoji icon_url mrkdwn

      Text is text: luaslack escapes it, so that "<!here>" rings nobody. What shall
      be live comes from these; an attacker's words go into slack.code or slack.pre.

        slack.code(text)                       `root`, on one line
        slack.pre(text)                        lines in a block of code
        slack.bold(text)                       *sshd*
        slack.truncate(text, most, [ellipsis]) at most so many characters
        slack.plural(count, one, [many])       2 entries
        slack.duration(seconds)                1 hour 30 minutes
        slack.link(url, [label])               a link
        slack.url_part(text)                   text made fit for an address
        slack.mention(who)                     "here", "channel", a member's ID
        slack.user_group(id)                   rings a user group
        slack.channel_link(id)                 a link to a channel
        slack.date(time, [layout], [fallback]) in each reader's own time zone
        slack.raw(text)                        Slack's markup, as it is
        slack.escape(text)                     text inside of slack.raw

        slack.header(text)                     a heading
        slack.section(text)                    or { text = , fields = , accessory = }
        slack.fields(text, …)                  up to ten texts in two columns
        slack.context(part, …)                 small grey texts and images
        slack.divider()                        a line
        slack.image(url, alt, [title])         a picture
        slack.link_button(text, url, [style])  style: "primary" or "danger"
        slack.attachment(table)                an attachment, checked
        slack.field(title, value, [short])     a line of an attachment's fields
        slack.message(table)                   a payload, checked
        slack.array([list])                    a list, even if it is empty
        slack.null                             JSON's null

        ip.within(address, network, …)         is it in one of these
        ip.version(address)                    4, 6 or nil
        ip.is_private(address)                 of a private network

      Of Lua: string table math utf8 coroutine, os.date os.time os.clock os.difftime,
      debug.traceback, print, and require "NAME" for lib/NAME.lua beside it. No files,
      network, commands or environment.

      Limits: \(limits.fileMilliseconds) ms a file, \(limits.chainMilliseconds) ms for all; \
      \(limits.heapBytes >> 20) MiB of memory; \(limits.sourceBytes >> 10) KiB of source;
      a result of \(limits.resultBytes >> 10) KiB, \(grouped(limits.resultNodes)) values, \
      \(limits.resultDepth) levels. Beyond them the message goes
      out as if the formatter were not there.

      """
  }

  private static func grouped(_ number: Int) -> String {
    number < 1_000 ? "\(number)" : "\(number / 1_000),\("\(1_000 + number % 1_000)".dropFirst())"
  }
}
