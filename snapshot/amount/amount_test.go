package amount_test

import (
	"testing"

	"shoebox/snapshot/amount"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{amount.Bytes(0), "0 bytes"}, {amount.Bytes(1), "1 byte"}, {amount.Bytes(999), "999 bytes"}, {amount.Bytes(1000), "1.0 kB"}, {amount.Bytes(3_400_000), "3.4 MB"},
		{amount.Bytes(99_949), "99.9 kB"}, {amount.Bytes(99_950), "100 kB"}, {amount.Bytes(999_499), "999 kB"}, {amount.Bytes(999_500), "1.0 MB"}, {amount.Bytes(1 << 62), "4612 PB"},
		{amount.Number(0), "0"}, {amount.Number(999), "999"}, {amount.Number(1204), "1,204"}, {amount.Number(1234567), "1,234,567"}, {amount.Number(-1204), "-1,204"},
		{amount.Plural(1, "file"), "1 file"}, {amount.Plural(0, "file"), "0 files"}, {amount.Plural(1204, "file"), "1,204 files"}, {amount.Plural(2, "copy"), "2 copies"}, {amount.Plural(5, "day"), "5 days"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
