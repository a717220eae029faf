---@meta

-- What a formatter finds, for editors that speak with lua-language-server; luaslack never runs this
-- file. `luaslack init` points the editor here, with a .luarc.json beside the formatters. Guide:
-- luaslack-formatters(7). A test holds every line against what the sandbox really has.

-- == What a file returns

---@class luaslack.Formatter
---@field ban? luaslack.Handler an address was banned
---@field unban? luaslack.Handler a ban is over
---@field prolong? luaslack.Handler a ban was made longer
---@field jail_start? luaslack.Handler a jail was started; an event of a jail has no address
---@field jail_stop? luaslack.Handler a jail was stopped
---@field jail_flush? luaslack.Handler a jail lifted all its bans at once; `any` is not called for it
---@field notify? luaslack.Handler another program's text
---@field warning? luaslack.WarningHandler more bans than usual; `any` is not called for it
---@field digest? luaslack.DigestHandler many events in one message; `any` is not called for it
---@field report? luaslack.ReportHandler what happened in a day or a week, in figures; `any` is not called for it
---@field any? luaslack.Handler for those that have no function of their own

---Returns nothing (the payload goes on as it is now), another payload, or what slack.mute and
---slack.digest return; and as a second value where it shall go.
---@alias luaslack.Handler fun(event: luaslack.Event, payload: luaslack.Payload): (luaslack.Message|luaslack.Verdict|nil, luaslack.Route?)

---@alias luaslack.DigestHandler fun(digest: luaslack.Digest, payload: luaslack.Payload): (luaslack.Message|luaslack.Verdict|nil)

---@alias luaslack.ReportHandler fun(event: luaslack.Report, payload: luaslack.Payload): (luaslack.Message|luaslack.Verdict|nil, luaslack.Route?)
---@alias luaslack.WarningHandler fun(event: luaslack.Warning, payload: luaslack.Payload): (luaslack.Message|luaslack.Verdict|nil, luaslack.Route?)

---The second value that a function returns.
---@class luaslack.Route
---@field to? string[] destinations of the config, by name
---@field thread? "reply" into the thread of its ban

---What slack.mute and slack.digest return; to be returned.
---@class luaslack.Verdict

---A number may stand where text is asked for.
---@alias luaslack.Text string|number

---@alias luaslack.Kind "ban"|"unban"|"prolong"|"jail_start"|"jail_stop"|"jail_flush"|"notify"|"digest"|"warning"|"report"

---@alias luaslack.Severity "info"|"warning"|"critical"

-- == The event

---@class luaslack.Event
---@field kind luaslack.Kind what happened
---@field jail string the jail; empty in a notification
---@field host string the host on which it happened
---@field severity luaslack.Severity
---@field reasons string[] why it is not "info", as sentences
---@field time number|string seconds since 1970; text if it was given no number
---@field now integer when the message is made, in seconds since 1970
---@field delay integer for how many seconds the event waited
---@field fields table<string, string> what --field name=text gave, by name
---@field lists table<string, false|string[]> each list of the config: false, or its entries that hold the address
---@field ip? string the address; may be other text, ip.version is nil then
---@field id? string what fail2ban bans by, mostly the address
---@field family? "inet4"|"inet6"
---@field failures? number|string how many led to the ban; text if it was given no number
---@field bantime? number|string seconds; -1 is for good
---@field bancount? number|string how often the address was banned, this time included
---@field restored? boolean fail2ban repeats a ban after a restart
---@field user? string the user name that was tried
---@field valid_user? boolean the user is in the config's valid_users
---@field friendly? boolean the address is in the config's friendly_networks
---@field unban_command? string lifts the ban
---@field matches? string the log lines; an attacker may have written them
---@field matches_left_out? integer bytes of them that were left out
---@field title? string of a notification
---@field text? string of a notification, with its lines
---@field text_left_out? integer bytes of it that were left out
---@field plain? boolean its text is words, to be shown as such and not as code
---@field run? luaslack.Run of `notify --run`: how the program ended; `text` is the end of what it wrote
---@field submitter? string the user who left the notification
---@field jails? string[] several that start or stop at once
---@field change? "started"|"stopped"|"restarted"|"flushed" what all of these did
---@field change_in_words? string "2 jails stopped: sshd, nginx"
---@field history? luaslack.History how often it was banned before: ask `if event.history then`
---@field geo? luaslack.Geo where the address is: ask `if event.geo then`
---@field rdns? string the address's name, which whoever has it chose: ask `if event.rdns then`

---What the config's databases know of an address; each where it is known.
---@class luaslack.Geo
---@field country? string two capitals: "DE"
---@field flag? string the country's flag as an emoji; there if country is
---@field name? string the country's name
---@field city? string
---@field asn? integer the number of the network's owner: 3320
---@field org? string the network's owner

---A program that `luaslack notify --run` ran.
---@class luaslack.Run
---@field program string its name, without directories and arguments
---@field exit? integer 0 to 255; 127 if it was not found; nil if a signal ended it
---@field signal? string "SIGTERM"
---@field problem? string why it could not be run
---@field seconds integer how long it ran

---What was banned before the event, as far as luaslack was told.
---@class luaslack.History
---@field address luaslack.AddressHistory of this address
---@field network? luaslack.NetworkHistory of its /24 or /48
---@field jail luaslack.Figures of this jail, to five minutes up to a day and to an hour beyond
---@field user? luaslack.UserHistory of the user name that was tried

---@class luaslack.Figures
---@field bans luaslack.Windows
---@field failures luaslack.Windows
---@field first? integer seconds since 1970; nil if there was none
---@field last? integer seconds since 1970; nil if there was none

---@class luaslack.AddressHistory: luaslack.Figures
---@field jails string[] other jails that banned it, the last first
---@field previous? luaslack.PreviousBan the ban before this event

---@class luaslack.NetworkHistory: luaslack.Figures
---@field name string "203.0.113.0/24"

---@class luaslack.UserHistory
---@field addresses integer addresses banned for this user within a day, this one with them

---@class luaslack.PreviousBan
---@field jail string
---@field time integer seconds since 1970
---@field failures integer

---Counts up to the event: in the last hour, 24 hours, 7 days and 30 days.
---@class luaslack.Windows
---@field hour integer
---@field day integer
---@field week integer
---@field month integer

-- == The early warning

---More bans than a rule of the config takes for usual: it begins, or is over.
---@class luaslack.Warning
---@field kind "warning"
---@field jail string the jail, if its rule counts by jail; else empty
---@field host string
---@field severity luaslack.Severity as its rule says
---@field reasons string[]
---@field time integer seconds since 1970
---@field now integer
---@field delay integer
---@field fields table<string, string>
---@field lists table<string, false|string[]>
---@field phase "started"|"over"
---@field rule string its name
---@field by string "all", "jail", "subnet", "country", "user" or "field:site"
---@field group? string which jail, network, …; nil where all are counted, or where a user is not shown
---@field threshold integer as many bans as make one
---@field window integer seconds in which they are too many
---@field bans integer so far
---@field failures integer so far
---@field since integer the first of them, in seconds since 1970
---@field last integer the last of them
---@field duration integer seconds from the first to the last
---@field peak integer seconds that `threshold` bans took at the least
---@field addresses luaslack.Tally[] the most frequent
---@field networks luaslack.Tally[] the most frequent
---@field users luaslack.Tally[] the most frequent
---@field jails luaslack.Tally[] the most frequent
---@field countries luaslack.Tally[] the most frequent
---@field address_count integer
---@field network_count integer
---@field mention string[] whom the rule calls; in the built-in text already
---@field is_dropped? boolean it is over because its rule is gone
---@field summary string "50 bans within 8 minutes, jail sshd"

-- == The digest

---@class luaslack.Digest
---@field kind "digest"
---@field host string
---@field severity luaslack.Severity the loudest
---@field time integer seconds since 1970, as `last`
---@field now integer when the message is made
---@field count integer events that it tells of
---@field events luaslack.DigestEvent[] the first of them, the oldest first
---@field left_out integer how many are not in `events`
---@field critical luaslack.DigestEvent[] the first critical ones but early warnings
---@field warnings luaslack.DigestEvent[] the first early warnings, those that began before those that are over
---@field by_jail table<string, integer> how many, by jail
---@field by_kind table<string, integer> how many, by kind
---@field jails luaslack.Tally[] the most frequent
---@field networks luaslack.Tally[] the most frequent
---@field users luaslack.Tally[] the most frequent
---@field first integer seconds since 1970 of the first event
---@field last integer seconds since 1970 of the last event
---@field muted integer muted in the same time, and in no message
---@field reduced integer kept without log lines and fields, because too much was waiting

---@class luaslack.Tally
---@field name string
---@field count integer

---One event of a digest: as luaslack.Event, without what is long.
---@class luaslack.DigestEvent
---@field kind luaslack.Kind
---@field jail string
---@field severity luaslack.Severity
---@field reasons string[]
---@field time number|string
---@field ip? string
---@field id? string
---@field family? "inet4"|"inet6"
---@field failures? number|string
---@field bantime? number|string
---@field bancount? number|string
---@field restored? boolean
---@field user? string
---@field valid_user? boolean
---@field friendly? boolean
---@field unban_command? string
---@field title? string
---@field submitter? string
---@field phase? "started"|"over" of an early warning, as all below
---@field rule? string its name
---@field group? string which jail, network, …
---@field summary? string "50 bans within 8 minutes, jail sshd"
---@field mention? string[] whom it calls; in the built-in text already

-- == The report

---What happened in a period, against the period before. Times are in seconds since 1970.
---@class luaslack.Report
---@field kind "report"
---@field host string
---@field severity luaslack.Severity "warning" if a destination is in trouble
---@field reasons string[] which destinations are, as sentences
---@field time integer as `to`
---@field now integer when the message is made
---@field from integer where the period begins
---@field to integer where it ends
---@field length integer seconds
---@field period string "24 hours"
---@field known_since? integer bans are known from then on only; nil: in all of the period
---@field events_since? integer the same of other events and of deliveries
---@field quiet boolean there were no bans
---@field last_ban? integer the last ban that is known
---@field totals luaslack.ReportTotals
---@field bars luaslack.ReportBars
---@field jails luaslack.ReportJail[] those with most bans
---@field jail_count integer jails with bans
---@field quiet_jails string[] jails that run and banned nobody, the first ones
---@field quiet_jail_count integer how many these are
---@field addresses luaslack.ReportShare[] those with most bans
---@field address_count integer addresses with bans
---@field networks luaslack.ReportShare[] the /24 and /48 with most bans
---@field countries luaslack.ReportShare[] two letters each; empty where none is known
---@field users luaslack.ReportShare[] users that were tried
---@field offenders luaslack.ReportOffender[] those with most bans in 30 days
---@field destinations luaslack.ReportDestination[] whether messages arrive

---@class luaslack.ReportTotals
---@field bans luaslack.ReportTotal
---@field failures luaslack.ReportTotal that led to the bans
---@field unbans luaslack.ReportTotal
---@field prolongs luaslack.ReportTotal
---@field notifications luaslack.ReportTotal
---@field warnings luaslack.ReportTotal

---@class luaslack.ReportTotal
---@field count integer
---@field before? integer in the period before; nil where that is not known
---@field difference? integer
---@field percent? integer nil where there were none before

---Bans of each hour, day or other step, the last of which ends with the period.
---@class luaslack.ReportBars
---@field step integer seconds
---@field step_in_words string "hour"
---@field counts integer[]
---@field text string a picture of them, "..▁▃█"; to be shown as code

---@class luaslack.ReportJail
---@field name string
---@field bans integer
---@field failures integer
---@field before? integer bans in the period before

---@class luaslack.ReportShare
---@field name string
---@field bans integer
---@field failures integer
---@field addresses? integer of a network, how many of its addresses

---@class luaslack.ReportOffender
---@field name string
---@field bans integer in 30 days
---@field total integer of all that is kept
---@field first integer
---@field last integer
---@field jails string[] those that banned it most

---@class luaslack.ReportDestination
---@field name string
---@field state "ok"|"failing"|"dead"
---@field delivered integer messages that arrived in the period
---@field folded integer events told in digests in the period
---@field failed integer attempts in vain in the period
---@field dead integer dead letters of the period
---@field waiting integer messages that wait now
---@field held integer of these, held by an admin
---@field dead_letters integer all that are kept
---@field oldest? integer since when the oldest waits
---@field last_ok? integer when something arrived last
---@field error? string the last

-- == The payload

---A message to Slack.
---@class luaslack.Message
---@field text? luaslack.Text what a phone shows; with blocks, only there
---@field blocks? luaslack.Block[]
---@field attachments? luaslack.Attachment[] what has a coloured bar
---@field username? luaslack.Text an app's webhook ignores it
---@field icon_emoji? luaslack.Text ":shield:"; an app's webhook ignores it
---@field icon_url? luaslack.Text an app's webhook ignores it
---@field mrkdwn? boolean

---The built-in message, as the formatters before this one left it.
---@class luaslack.Payload: luaslack.Message
---@field text string
---@field attachments luaslack.Details[]

---The built-in message's attachment.
---@class luaslack.Details: luaslack.Attachment
---@field color luaslack.Colour
---@field fields luaslack.Field[] the details; maybe none
---@field footer string the host

---@alias luaslack.Colour "good"|"warning"|"danger"|string

---@class luaslack.Attachment
---@field color? luaslack.Colour "#rrggbb", "good", "warning" or "danger"
---@field text? luaslack.Text
---@field blocks? luaslack.Block[]
---@field fields? luaslack.Field[] see slack.field
---@field title? luaslack.Text
---@field title_link? luaslack.Text
---@field fallback? luaslack.Text
---@field pretext? luaslack.Text above the bar
---@field author_name? luaslack.Text
---@field author_link? luaslack.Text
---@field author_icon? luaslack.Text
---@field image_url? luaslack.Text
---@field thumb_url? luaslack.Text
---@field footer? luaslack.Text
---@field footer_icon? luaslack.Text
---@field ts? luaslack.Text seconds since 1970, shown beside the footer
---@field mrkdwn_in? string[]

---@class luaslack.Field
---@field title? luaslack.Text
---@field value? luaslack.Text
---@field short? boolean two short ones stand side by side

---@alias luaslack.Block luaslack.Section|luaslack.Header|luaslack.Context|luaslack.Divider|luaslack.Image|luaslack.Actions|luaslack.RichText|luaslack.Video|luaslack.Table

---@class luaslack.Section
---@field type "section"
---@field text? luaslack.TextObject
---@field fields? luaslack.TextObject[] two columns
---@field accessory? luaslack.Button|luaslack.ImageElement
---@field expand? boolean
---@field block_id? string

---@class luaslack.Header
---@field type "header"
---@field text luaslack.TextObject
---@field block_id? string

---@class luaslack.Context
---@field type "context"
---@field elements (luaslack.TextObject|luaslack.ImageElement)[]
---@field block_id? string

---@class luaslack.Divider
---@field type "divider"
---@field block_id? string

---@class luaslack.Image
---@field type "image"
---@field image_url? string
---@field slack_file? table
---@field alt_text string
---@field title? luaslack.TextObject
---@field block_id? string

---@class luaslack.Actions
---@field type "actions"
---@field elements luaslack.Button[]
---@field block_id? string

---@class luaslack.RichText
---@field type "rich_text"
---@field elements table[]
---@field block_id? string

---@class luaslack.Video
---@field type "video"
---@field video_url string
---@field alt_text? string
---@field author_name? string
---@field description? luaslack.TextObject
---@field provider_icon_url? string
---@field provider_name? string
---@field title? luaslack.TextObject
---@field title_url? string
---@field thumbnail_url? string
---@field block_id? string

---@class luaslack.Table
---@field type "table"
---@field rows table[]
---@field column_settings? table[]
---@field block_id? string

---@class luaslack.TextObject
---@field type "mrkdwn"|"plain_text"
---@field text string
---@field emoji? boolean
---@field verbatim? boolean

---@class luaslack.ImageElement
---@field type "image"
---@field image_url? string
---@field slack_file? table
---@field alt_text string

---@class luaslack.Button
---@field type "button"
---@field text luaslack.TextObject
---@field url? string
---@field style? "primary"|"danger"
---@field action_id? string
---@field value? string
---@field confirm? table
---@field accessibility_label? string

-- == slack: text

slack = {}

---In a code span, on one line: nothing in the text can end it.
---@param text luaslack.Text
---@return string
function slack.code(text) end

---Lines in a block of code: nothing in the text can end it.
---@param text luaslack.Text
---@return string
function slack.pre(text) end

---Bold, on one line.
---@param text luaslack.Text
---@return string
function slack.bold(text) end

---At most so many characters; links stay whole.
---@param text luaslack.Text
---@param most luaslack.Text
---@param ellipsis? luaslack.Text
---@return string
function slack.truncate(text, most, ellipsis) end

---A number with its noun: slack.plural(2, "entry", "entries").
---@param count luaslack.Text
---@param one luaslack.Text
---@param many? luaslack.Text
---@return string
function slack.plural(count, one, many) end

---A time as people say it: "1 hour 30 minutes", "for good".
---@param seconds luaslack.Text
---@return string
function slack.duration(seconds) end

---A link. Do not make its label of what an attacker wrote.
---@param url luaslack.Text https://, http:// or mailto:
---@param label? luaslack.Text
---@return string
function slack.link(url, label) end

---Text made fit for an address.
---@param text luaslack.Text
---@return string
function slack.url_part(text) end

---Rings somebody.
---@param who "here"|"channel"|"everyone"|string a member's ID is "U…"
---@return string
function slack.mention(who) end

---Rings a user group.
---@param id string "S…"
---@return string
function slack.user_group(id) end

---A link to a channel.
---@param id string "C…"
---@return string
function slack.channel_link(id) end

---A date in each reader's own time zone.
---@param time luaslack.Text seconds since 1970
---@param layout? luaslack.Text Slack's, "{date_short_pretty} {time_secs}"
---@param fallback? luaslack.Text
---@return string
function slack.date(time, layout, fallback) end

---Slack's own markup, as it is: never what an attacker wrote.
---@param text luaslack.Text
---@return string
function slack.raw(text) end

---Text inside of slack.raw; elsewhere it changes nothing.
---@param text luaslack.Text
---@return string
function slack.escape(text) end

-- == slack: blocks and messages

---A heading; cut at 150 characters.
---@param text luaslack.Text
---@return luaslack.Header
function slack.header(text) end

---Text, or a table of text, fields and accessory.
---@param text luaslack.Text|luaslack.TextObject|luaslack.SectionParts
---@return luaslack.Section
function slack.section(text) end

---What slack.section takes.
---@class luaslack.SectionParts
---@field text? luaslack.Text|luaslack.TextObject
---@field fields? (luaslack.Text|luaslack.TextObject)[]
---@field accessory? luaslack.Image|luaslack.Actions|luaslack.Button|luaslack.ImageElement

---Up to ten texts, in two columns.
---@param text luaslack.Text|luaslack.TextObject|(luaslack.Text|luaslack.TextObject)[]
---@param ... luaslack.Text|luaslack.TextObject
---@return luaslack.Section
function slack.fields(text, ...) end

---Up to ten small grey texts and images.
---@param part luaslack.Text|luaslack.TextObject|luaslack.Image|table
---@param ... luaslack.Text|luaslack.TextObject|luaslack.Image
---@return luaslack.Context
function slack.context(part, ...) end

---A line.
---@return luaslack.Divider
function slack.divider() end

---A picture, with words for who does not see it.
---@param url luaslack.Text
---@param alt luaslack.Text
---@param title? luaslack.Text
---@return luaslack.Image
function slack.image(url, alt, title) end

---A button that opens a page.
---@param text luaslack.Text
---@param url luaslack.Text
---@param style? "primary"|"danger"
---@return luaslack.Actions
function slack.link_button(text, url, style) end

---An attachment, its keys and colour checked.
---@param table luaslack.Attachment
---@return luaslack.Attachment
function slack.attachment(table) end

---A line of an attachment's fields; short ones stand in pairs.
---@param title luaslack.Text
---@param value luaslack.Text
---@param short? boolean
---@return luaslack.Field
function slack.field(title, value, short) end

---A payload, its keys checked.
---@param table luaslack.Message
---@return luaslack.Message
function slack.message(table) end

---A list, even if it is empty.
---@generic T: table
---@param list? T
---@return T
function slack.array(list) end

---JSON's null.
---@type any
slack.null = nil

---No message: `return slack.mute("known scanner")`.
---@param reason? luaslack.Text
---@return luaslack.Verdict
function slack.mute(reason) end

---A line in the next digest only: `return slack.digest()`.
---@return luaslack.Verdict
function slack.digest() end

-- == ip: addresses

ip = {}

---Whether one of the networks, or lists of networks, holds the address; a list that is false holds nothing.
---@param address string?
---@param network string|false|string[] "198.51.100.0/24", event.lists.office
---@param ... string|false|string[]
---@return boolean
function ip.within(address, network, ...) end

---4, 6, or nil for what is no address.
---@param address string?
---@return 4|6|nil
function ip.version(address) end

---Whether it is of a private network, or the host itself.
---@param address string?
---@return boolean
function ip.is_private(address) end
