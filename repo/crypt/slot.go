package crypt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"filippo.io/age"
)

// A slot is an age file (https://age-encryption.org/v1) that holds the master key, as text, so that the
// stock age program opens it in a disaster:
//
//	shoebox master key 1
//	repository <32 hexadecimal digits>
//	key <64 hexadecimal digits>
//
// It is locked with a passphrase (scrypt) or for an X25519 identity: a key file, or the recovery code.
const slotFirstLine = "shoebox master key 1"

// MaxSlot bounds the length of a slot file, in bytes.
const MaxSlot = 64 << 10

// The work factor of the passphrase slots, as the logarithm of scrypt's N. 16 takes about 0.2 s and 64 MiB.
const (
	DefaultWork = 16
	maxWork     = 20 // what opening a slot may cost, at most: a hostile slot asks for more
)

// stretchMemory is what scrypt takes with DefaultWork, in bytes: N blocks of 128 r bytes, of which age has r = 8.
const stretchMemory = 128 * 8 << DefaultWork

// PublishedPassphrase locks the slot of a repository made without a password. Everybody knows it.
const PublishedPassphrase = "no password"

// ErrWrongKey says that no slot opened with what was given.
var ErrWrongKey = errors.New("wrong password or key")

// ErrNoPassword says that an empty password was given.
var ErrNoPassword = errors.New("the password is empty; give one, or use a key file")

// Lock is what a slot is locked with: a Passphrase, or Recipient.
type Lock struct{ recipient age.Recipient }

// Passphrase locks a slot with a passphrase, stretched by scrypt with N = 2^work (1 to 20).
func Passphrase(passphrase string, work int) (Lock, error) {
	if passphrase == "" {
		return Lock{}, ErrNoPassword
	}
	if work < 1 || work > maxWork {
		return Lock{}, fmt.Errorf("scrypt work factor %d is not between 1 and %d", work, maxWork)
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return Lock{}, err
	}
	r.SetWorkFactor(work)
	return Lock{r}, nil
}

// Recipient locks a slot for whoever holds the identity behind an age recipient ("age1...").
func Recipient(text string) (Lock, error) {
	r, err := age.ParseX25519Recipient(strings.TrimSpace(text))
	if err != nil {
		return Lock{}, fmt.Errorf("read an age recipient: %w", err)
	}
	return Lock{r}, nil
}

// NewIdentity draws an identity: its secret ("AGE-SECRET-KEY-1...") opens what is locked for its recipient.
func NewIdentity() (secret string, lock Lock, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", Lock{}, fmt.Errorf("draw an identity: %w", err)
	}
	return id.String(), Lock{id.Recipient()}, nil
}

// Secret opens slots: a passphrase, or the secrets of identities (a key file, a recovery code).
type Secret struct {
	passphrase string
	identities []age.Identity
}

// PassphraseSecret opens passphrase slots. A recovery code typed in its place is taken as what it is.
func PassphraseSecret(passphrase string) (Secret, error) {
	if passphrase == "" {
		return Secret{}, ErrNoPassword
	}
	if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(passphrase)), "AGE-SECRET-KEY-1") {
		return IdentitySecret(strings.ToUpper(strings.TrimSpace(passphrase)))
	}
	return Secret{passphrase: passphrase}, nil
}

// IdentitySecret reads the text of a key file: lines of identities, comments and empty lines, as age writes them.
func IdentitySecret(text string) (Secret, error) {
	ids, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return Secret{}, fmt.Errorf("read a key file: %w", err)
	}
	return Secret{identities: ids}, nil
}

// SealSlot writes a slot file.
func SealSlot(m Master, repository RepositoryID, lock Lock) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, lock.recipient)
	if err != nil {
		return nil, fmt.Errorf("lock a key slot: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s\nrepository %s\nkey %s\n", slotFirstLine, repository, hex.EncodeToString(m[:])); err != nil {
		return nil, fmt.Errorf("lock a key slot: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("lock a key slot: %w", err)
	}
	return out.Bytes(), nil
}

// OpenSlot opens a slot file. The error wraps ErrWrongKey when the secret is not the one it was locked with.
func OpenSlot(file []byte, s Secret) (m Master, repository RepositoryID, err error) {
	ids := s.identities
	if SlotKind(file) == "passphrase" {
		if s.passphrase == "" {
			return m, repository, ErrWrongKey
		}
		id, err := age.NewScryptIdentity(s.passphrase)
		if err != nil {
			return m, repository, err
		}
		id.SetMaxWorkFactor(maxWork)
		ids = []age.Identity{id}
		if slotWork(file) == DefaultWork {
			askLargePages(stretchMemory)
		}
	}
	if len(ids) == 0 {
		return m, repository, ErrWrongKey
	}
	r, err := age.Decrypt(bytes.NewReader(file), ids...)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) {
		return m, repository, ErrWrongKey
	}
	if err != nil {
		return m, repository, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, MaxSlot))
	if err != nil {
		return m, repository, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return parseSlot(string(text))
}

func parseSlot(text string) (m Master, repository RepositoryID, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != slotFirstLine || !strings.HasPrefix(lines[1], "repository ") || !strings.HasPrefix(lines[2], "key ") {
		return m, repository, fmt.Errorf("%w: it does not hold a master key of format 1", ErrDamaged)
	}
	if repository, err = ParseRepositoryID(lines[1][len("repository "):]); err != nil {
		return m, repository, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	key, err := hex.DecodeString(lines[2][len("key "):])
	if err != nil || len(key) != len(m) {
		return m, repository, fmt.Errorf("%w: its key is not 64 hexadecimal digits", ErrDamaged)
	}
	return Master(key), repository, nil
}

// slotWork is what the header in clear says of the work factor of a passphrase slot; 0 where it says nothing.
func slotWork(file []byte) int {
	words := strings.Fields(string(file[:min(len(file), 128)])) // age-encryption.org/v1 -> scrypt SALT WORK ...
	if len(words) < 5 || words[2] != "scrypt" {
		return 0
	}
	work, _ := strconv.Atoi(words[4])
	return work
}

// SlotKind tells from the header in clear how a slot is locked: "passphrase", "identity", or "" when the
// file is no age file of a kind used here.
func SlotKind(file []byte) string {
	head := string(file[:min(len(file), 64)])
	switch {
	case strings.HasPrefix(head, "age-encryption.org/v1\n-> scrypt "):
		return "passphrase"
	case strings.HasPrefix(head, "age-encryption.org/v1\n-> X25519 "):
		return "identity"
	}
	return ""
}
