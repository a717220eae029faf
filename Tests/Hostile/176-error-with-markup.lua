-- expect: error: &lt;!channel&gt; *bold* 'code'; an error with markup, marks and a direction
return { ban = function(event, payload)
  error("<!channel> *bold* `code` https://evil.example/x @here &amp; <@U1> \u{E000}raw\u{E001}<!here>\u{E002}\u{202e}", 0)
end }
