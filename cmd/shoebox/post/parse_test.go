package post

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	_, _, cert, _ := certificate(t)
	file := write(t, "secret", token+"\r\nsecond line\n")
	t.Setenv("POST_SECRET", " "+password+"\n")
	for text, want := range map[string]Sender{
		"ntfy https://ntfy.sh/" + topic:                                      Ntfy{URL: "https://ntfy.sh/" + topic},
		"  ntfy\thttps://n.example/x token-file=" + file:                     Ntfy{URL: "https://n.example/x", Token: token},
		"ntfy http://nas:8080/x":                                             Ntfy{URL: "http://nas:8080/x"},
		"ntfy http://localhost:8080/x token-file=" + file:                    Ntfy{URL: "http://localhost:8080/x", Token: token},
		"ping https://hc-ping.com/" + topic:                                  Ping{URL: "https://hc-ping.com/" + topic},
		"webhook https://e.org/h?a=b&c=d":                                    Webhook{URL: "https://e.org/h?a=b&c=d"},
		`webhook "https://e.org/h" token-env=POST_SECRET`:                    Webhook{URL: "https://e.org/h", Token: password},
		"command /bin/tell":                                                  Command{Program: "/bin/tell"},
		`command 'C:\Program Files\tell.exe' --to="two words" '' "it's" a=b`: Command{Program: `C:\Program Files\tell.exe`, Arguments: []Secret{"--to=two words", "", "it's", "a=b"}},
		"desktop":                             Desktop{},
		"mail a@b.org,c@d.org smtp=m.b.org":   Mail{From: "a@b.org", To: []string{"a@b.org", "c@d.org"}, Host: "m.b.org"},
		"mail a@b.org smtp=[::1]:25 tls=none": Mail{From: "a@b.org", To: []string{"a@b.org"}, Host: "::1", Port: "25", TLS: NoTLS},
		"mail a@b.org smtp=m.b.org:587 user=u@b.org password-env=POST_SECRET": Mail{From: "u@b.org", To: []string{"a@b.org"}, Host: "m.b.org", Port: "587", User: "u@b.org", Password: password},
		"mail a@b.org smtp=m user=u password-file=" + file + " from=x@y.org":  Mail{From: "x@y.org", To: []string{"a@b.org"}, Host: "m", User: "u", Password: token},
	} {
		got, err := Parse(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %T %v, %v", text, got, got, err)
		}
		noSecrets(t, got, err)
	}
	url := write(t, "url", "https://e.org/"+topic)
	for _, kind := range []string{"ntfy", "ping", "webhook"} {
		s, err := Parse(kind + " url-file=" + url + " ca=" + cert)
		if err != nil || !strings.HasSuffix(s.String(), " e.org") {
			t.Errorf("%s: %v, %v", kind, s, err)
		}
		noSecrets(t, s, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Setenv("POST_EMPTY", "")
	empty, long := write(t, "empty", "\n\n"), write(t, "long", strings.Repeat("x", 5000))
	for text, want := range map[string]string{
		"":                                                      "begins with ntfy, ping",
		topic:                                                   "begins with ntfy, ping",
		"https://ntfy.sh/" + topic:                              "begins with ntfy, ping",
		"ntfy:https://ntfy.sh/" + topic:                         "begins with ntfy, ping",
		"ntfy":                                                  "the address is not",
		"ntfy " + topic:                                         "the address is not",
		"ntfy ntfy.sh/" + topic:                                 "the address is not",
		"ntfy https:///" + topic:                                "the address is not",
		"ntfy https://e.org/%zz" + topic:                        "the address is not",
		"ntfy https://e.org/\x7f" + topic:                       "the address is not",
		"ntfy file:///" + topic:                                 "the address is not",
		"ntfy https://e.org/a https://" + topic:                 "a word too much",
		"ntfy https://e.org/a token=" + token:                   "there is no option token=",
		"ntfy https://e.org/a token-file=" + token:              "the file of token-file= cannot be read",
		"ntfy https://e.org/a token-file=" + empty:              "is empty",
		"ntfy https://e.org/a token-file=" + long:               "is longer than",
		"ntfy https://e.org/a token-file=":                      "without a value",
		"ntfy https://e.org/a token-env=POST_EMPTY":             "is empty",
		"ntfy https://e.org/a token-env=" + token:               "is empty",
		"ntfy https://e.org/a token-env=X token-file=Y":         "cannot both be",
		"ntfy https://e.org/a ca=" + empty:                      "has no certificate",
		"ntfy http://e.org/a token-env=PATH":                    "over https alone",
		"ntfy http://u:" + topic + "@e.org/a":                   "over https alone",
		"ping https://e.org/a token-env=PATH":                   "there is no option token-env=",
		"command":                                               "the program is missing",
		"command ''":                                            "the program is missing",
		"command 'tell " + topic:                                "not closed",
		"desktop " + topic:                                      "a word too much",
		"mail":                                                  "one word of addresses",
		"mail a@b.org c@d.org smtp=x":                           "one word of addresses",
		"mail " + topic + " smtp=x":                             "an address is not like",
		"mail a@b.org":                                          "no mail server",
		"mail a@b.org smtp=https://" + topic:                    "no mail server",
		"mail a@b.org smtp=u:" + topic + "@e.org":               "no mail server",
		"mail a@b.org smtp=x user=u":                            "goes with password-file=",
		"mail a@b.org smtp=x password-env=PATH":                 "goes with password-file=",
		"mail a@b.org smtp=x password=" + topic + " user=u":     "there is no option password=",
		"mail a@b.org smtp=x user=u password-env=PATH tls=none": "over TLS alone",
		"mail a@b.org smtp=x tls=" + topic:                      "tls is tls, starttls or none",
		"mail a@b.org smtp=x from=" + topic:                     "an address is not like",
	} {
		s, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %T, %v; want %s", text, s, err, want)
		}
		noSecrets(t, Desktop{}, err)
	}
}

// Nothing that stands in a line makes its way into what is printed.
func FuzzParse(f *testing.F) {
	for _, kind := range []string{"ntfy https://e.org/%s", "webhook https://%s@e.org", "ping url-file=%s", "mail %s smtp=%s", "mail a@b.org smtp=%s user=%s", "command x '%s'", "%s", "desktop %s", "ntfy '%s", "ntfy https://e.org token=%s"} {
		f.Add(kind)
	}
	f.Fuzz(func(t *testing.T, form string) {
		if strings.Contains(strings.ReplaceAll(form, "%s", ""), "qzv") || strings.Contains(form, "command") {
			return // the name of a program may be told
		}
		s, err := Parse(strings.ReplaceAll(form, "%s", "/qzv"))
		for _, text := range []string{fmt.Sprint(err), fmt.Sprint(s), fmt.Sprintf("%#v", err)} {
			if strings.Contains(text, "qzv") {
				t.Errorf("%q: %s", form, text)
			}
		}
	})
}
