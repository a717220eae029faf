/// The glyphs of Slack's names for emoji. Slack's names are its own; where a name is the Unicode one in
/// lower case (`:closed_lock_with_key:`), Unicode's data has it.
enum Emoji {
  /// Nil for a name that Slack does not have either, or that a workspace made up.
  static func glyph(_ name: String) -> String? {
    if let mark = name.firstRange(of: "::skin-tone-") {
      // `2` is the lightest of five, as Fitzpatrick counted them.
      guard let tone = UInt32(name[mark.upperBound...]), (2...6).contains(tone),
        let modifier = Unicode.Scalar(0x1f3f9 + tone),
        let plain = glyph(String(name[..<mark.lowerBound]))
      else { return nil }
      let base = plain.unicodeScalars.filter { $0.value != 0xfe0f }
      return String(String.UnicodeScalarView(base + [modifier]))
    }
    if let known = named[name] { return known }
    if let country = flag(name) { return country }
    return byUnicodeName[name]
  }

  /// `flag-nl`.
  private static func flag(_ name: String) -> String? {
    guard name.hasPrefix("flag-"), name.utf8.count == 7 else { return nil }
    var flag = String.UnicodeScalarView()
    for byte in name.utf8.suffix(2) {
      guard (0x61...0x7a).contains(byte), let scalar = Unicode.Scalar(0x1f1e6 + UInt32(byte) - 0x61)
      else { return nil }
      flag.append(scalar)
    }
    return String(flag)
  }

  /// Built when a name is asked for that is not in the table.
  private static let byUnicodeName: [String: String] = {
    var glyphs: [String: String] = [:]
    for block in [0x2190...0x2bff, 0x1f300...0x1f6ff, 0x1f7e0...0x1f7ff, 0x1f900...0x1faff] {
      for value in block {
        guard let scalar = Unicode.Scalar(UInt32(value)), scalar.properties.isEmoji,
          let name = scalar.properties.name
        else { continue }
        let key = name.lowercased().replacing(" ", with: "_").replacing("-", with: "_")
        let isPicture = scalar.properties.isEmojiPresentation
        glyphs[key] = String(scalar) + (isPicture ? "" : "\u{fe0f}")
      }
    }
    return glyphs
  }()

  /// Those whose names differ from Unicode's, of what an alert may show.
  private static let named: [String: String] = [
    "+1": "👍", "-1": "👎", "thumbsup": "👍", "thumbsdown": "👎", "100": "💯", "1234": "🔢",
    "rotating_light": "🚨", "warning": "⚠️", "shield": "🛡️", "no_entry": "⛔", "no_entry_sign": "🚫",
    "cop": "👮", "police_car": "🚓", "lock": "🔒", "unlock": "🔓", "closed_lock_with_key": "🔐",
    "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "stopwatch": "⏱️", "timer_clock": "⏲️",
    "alarm_clock": "⏰", "clock1": "🕐", "clock12": "🕛", "calendar": "📆", "date": "📅",
    "white_check_mark": "✅", "heavy_check_mark": "✔️", "ballot_box_with_check": "☑️", "x": "❌",
    "heavy_multiplication_x": "✖️", "bangbang": "‼️", "interrobang": "⁉️", "question": "❓",
    "grey_question": "❔", "exclamation": "❗", "heavy_exclamation_mark": "❗",
    "grey_exclamation": "❕",
    "red_circle": "🔴", "large_blue_circle": "🔵", "large_green_circle": "🟢",
    "large_yellow_circle": "🟡", "large_orange_circle": "🟠", "large_purple_circle": "🟣",
    "large_brown_circle": "🟤", "white_circle": "⚪", "black_circle": "⚫",
    "large_red_square": "🟥", "large_green_square": "🟩", "large_yellow_square": "🟨",
    "large_orange_square": "🟧", "large_blue_square": "🟦", "large_purple_square": "🟪",
    "small_red_triangle": "🔺", "small_red_triangle_down": "🔻", "large_blue_diamond": "🔷",
    "large_orange_diamond": "🔶", "small_blue_diamond": "🔹", "small_orange_diamond": "🔸",
    "fire": "🔥", "boom": "💥", "collision": "💥", "zap": "⚡", "bomb": "💣", "skull": "💀",
    "skull_and_crossbones": "☠️", "biohazard_sign": "☣️", "radioactive_sign": "☢️", "ghost": "👻",
    "robot_face": "🤖", "space_invader": "👾", "japanese_ogre": "👹", "imp": "👿", "spider": "🕷️",
    "spider_web": "🕸️", "bug": "🐛", "hammer": "🔨", "hammer_and_wrench": "🛠️", "wrench": "🔧",
    "gear": "⚙️", "crossed_swords": "⚔️", "dagger_knife": "🗡️", "key": "🔑", "old_key": "🗝️",
    "bell": "🔔", "no_bell": "🔕", "loudspeaker": "📢", "mega": "📣", "speaker": "🔈", "mute": "🔇",
    "mag": "🔍", "mag_right": "🔎", "eyes": "👀", "eye": "👁️", "bulb": "💡", "construction": "🚧",
    "octagonal_sign": "🛑", "stop_sign": "🛑", "vertical_traffic_light": "🚦", "traffic_light": "🚥",
    "chart_with_upwards_trend": "📈", "chart_with_downwards_trend": "📉", "bar_chart": "📊",
    "page_facing_up": "📄", "memo": "📝", "pencil": "📝", "pencil2": "✏️", "clipboard": "📋",
    "pushpin": "📌", "round_pushpin": "📍", "paperclip": "📎", "link": "🔗", "chains": "⛓️",
    "package": "📦", "inbox_tray": "📥", "outbox_tray": "📤", "email": "✉️", "envelope": "✉️",
    "incoming_envelope": "📨", "computer": "💻", "desktop_computer": "🖥️", "keyboard": "⌨️",
    "floppy_disk": "💾", "cd": "💿", "satellite": "🛰️", "satellite_antenna": "📡",
    "globe_with_meridians": "🌐",
    "earth_africa": "🌍", "earth_americas": "🌎", "earth_asia": "🌏", "world_map": "🗺️",
    "door": "🚪", "house": "🏠", "office": "🏢", "bank": "🏦", "fortress": "🏰",
    "smile": "😄", "smiley": "😃", "grin": "😁", "joy": "😂", "wink": "😉", "sunglasses": "😎",
    "thinking_face": "🤔", "sob": "😭", "cry": "😢", "scream": "😱", "rage": "😡", "angry": "😠",
    "disappointed": "😞", "tired_face": "😫", "sleeping": "😴", "zzz": "💤", "mask": "😷",
    "wave": "👋", "clap": "👏", "muscle": "💪", "pray": "🙏", "raised_hands": "🙌", "ok_hand": "👌",
    "point_right": "👉", "point_left": "👈", "point_up": "☝️", "point_down": "👇", "hand": "✋",
    "raised_hand": "✋", "v": "✌️", "fist": "✊", "facepunch": "👊", "tada": "🎉", "trophy": "🏆",
    "heart": "❤️", "broken_heart": "💔", "star": "⭐", "sparkles": "✨", "sunny": "☀️", "cloud": "☁️",
    "umbrella": "☔", "snowflake": "❄️", "ocean": "🌊", "arrow_up": "⬆️", "arrow_down": "⬇️",
    "arrow_left": "⬅️", "arrow_right": "➡️", "arrow_upper_right": "↗️", "arrow_lower_right": "↘️",
    "arrows_counterclockwise": "🔄", "repeat": "🔁", "leftwards_arrow_with_hook": "↩️",
    "information_source": "ℹ️", "new": "🆕", "free": "🆓", "up": "🆙", "ok": "🆗", "sos": "🆘",
    "vs": "🆚", "id": "🆔", "copyright": "©️", "registered": "®️", "tm": "™️", "recycle": "♻️",
    "checkered_flag": "🏁", "triangular_flag_on_post": "🚩", "waving_white_flag": "🏳️",
    "waving_black_flag": "🏴", "pirate_flag": "🏴‍☠️", "us": "🇺🇸", "gb": "🇬🇧", "uk": "🇬🇧", "de": "🇩🇪",
    "fr": "🇫🇷", "it": "🇮🇹", "es": "🇪🇸", "cn": "🇨🇳", "jp": "🇯🇵", "kr": "🇰🇷", "ru": "🇷🇺",
    "zero": "0️⃣", "one": "1️⃣", "two": "2️⃣", "three": "3️⃣", "four": "4️⃣", "five": "5️⃣",
    "six": "6️⃣", "seven": "7️⃣", "eight": "8️⃣", "nine": "9️⃣", "keycap_ten": "🔟",
  ]
}
