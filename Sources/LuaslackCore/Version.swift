/// The release, as `--version` and the man pages show it.
public enum Version {
  public static let text = "0.1.0"
}
