package clearance_test

import (
	"slices"
	"testing"
	"time"

	"shoebox/repo/storage/storagetest"
	"shoebox/snapshot/clearance"
)

// Whoever has the key may write any receipt: reading it ends in an error or in something within bounds.
func FuzzReceipt(f *testing.F) {
	l := newLab(f)
	on := newPhone(pictures(3, 40))
	l.backup(on, nil)
	r := l.open(l.store)
	f.Cleanup(func() { _ = r.Close() })
	if _, err := l.plan(r, on, clearance.Rules{}).Run(f.Context(), r, on, clearance.FreeOptions{}); err != nil {
		f.Fatal(err)
	}
	said := clearance.Safety{Files: 1, Proven: 1}
	if _, err := said.Keep(f.Context(), r, labDevice(r), today); err != nil {
		f.Fatal(err)
	}
	for rec, err := range r.Records(f.Context(), "receipts") {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(rec.Body)
		if err := r.DeleteRecord(f.Context(), "receipts", rec.Name); err != nil {
			f.Fatal(err)
		}
	}
	f.Add([]byte{})
	const name = "00112233445566778899aabbccddeeff"
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := r.PutRecord(t.Context(), "receipts", name, body); err != nil {
			t.Fatal(err)
		}
		all, damaged, err := clearance.Receipts(t.Context(), r)
		if err != nil && len(damaged) == 0 { // of a newer program: said, and nothing is guessed
			all = nil
		}
		if len(all)+len(damaged) > 1 {
			t.Errorf("of one record came %d receipts and %d damaged", len(all), len(damaged))
		}
		for _, run := range clearance.Runs(all) {
			if run.Removed < 0 || run.Removed > int64(len(run.Files)) && len(run.Files) > 0 {
				t.Errorf("%d of %d removed", run.Removed, len(run.Files))
			}
		}
		if err := r.DeleteRecord(t.Context(), "receipts", name); err != nil {
			t.Fatal(err)
		}
	})
}

// A receipt that is damaged is told of, and the others are read.
func TestDamagedReceipt(t *testing.T) {
	l := newLab(t)
	on := newPhone(pictures(6, 40))
	l.backup(on, nil)
	r := l.open(l.store)
	defer r.Close()
	if _, err := l.plan(r, on, clearance.Rules{}).Run(t.Context(), r, on, clearance.FreeOptions{GroupFiles: 2, Now: func() time.Time { return today }}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range storagetest.Names(t, l.store, "receipts/") {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) != 6 {
		t.Fatalf("three groups left %q", names)
	}
	for _, name := range names {
		t.Run(name[len("receipts/"):][:8], func(t *testing.T) {
			now := l.copied()
			data, err := now.store.Get(t.Context(), name, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := now.store.Put(t.Context(), name, data); err != nil {
				t.Fatal(err)
			}
			r := now.open(now.store)
			defer r.Close()
			all, damaged, err := clearance.Receipts(t.Context(), r)
			if err != nil || len(damaged) != 1 || len(all) != 5 {
				t.Errorf("%d receipts, %v, %v", len(all), damaged, err)
			}
			if runs := clearance.Runs(all); len(runs) != 1 || runs[0].Removed != 4 && runs[0].Removed != 6 {
				t.Errorf("%+v", runs)
			}
		})
	}
}
