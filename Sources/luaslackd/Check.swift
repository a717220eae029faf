import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix

/// Answers for `luaslack check`: the config, and every formatter on every sample.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check formatters and the configuration.", shouldDisplay: false)

  @OptionGroup var options: LocationOptions
  @Flag var json = false
  /// The config was named by the caller, so that it must be there.
  @Flag var configGiven = false
  @Argument var paths: [String] = []

  func run() throws {
    let path = try options.locations().config
    var configuration = Configuration(path: path)
    var findings: [Finding] = []
    var isRead = false
    do throws(ConfigurationError) {
      configuration = try ConfigurationReader.read(path)
      isRead = true
    } catch {
      // To check a file, a config helps and is not needed.
      let isNeeded = paths.isEmpty || configGiven
      if isNeeded || !error.isMissing {
        findings += Finding.all(error)
      }
    }
    var check = FormatterCheck(
      configuration, isRead: isRead, now: Clock.now())
    // Beside a config that is not in its place yet, its lists need not be.
    findings += check.listFindings.filter { !configGiven || $0.line != nil }
    if paths.isEmpty, isRead { check.checkAll() }
    for path in paths { check.check(path: path) }
    let isConfigurationWrong = !findings.isEmpty
    findings += check.findings
    report(findings, check)
    if isConfigurationWrong { throw ExitCode(ExitStatus.configuration.rawValue) }
    if !findings.isEmpty { throw ExitCode(ExitStatus.data.rawValue) }
  }

  private func report(_ findings: [Finding], _ check: FormatterCheck) {
    if json {
      Process.print(JSONWriter.pretty(.array(findings.map(\.value))), to: 1)
    } else {
      Screen.standardOutput.print(findings)
    }
    for note in check.notes { Process.print("luaslack: \(note)\n", to: 2) }
    func count(_ number: Int, _ what: String) -> String {
      "\(number) \(what)\(number == 1 ? "" : "s")"
    }
    let tried = "\(count(check.fileCount, "formatter")) on \(FormatterCheck.sampleCount) samples"
    let result = findings.isEmpty ? "no problems" : count(findings.count, "problem")
    Process.print("luaslack: \(tried): \(result)\n", to: 2)
  }
}
