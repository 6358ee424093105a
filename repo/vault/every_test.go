package vault_test

import (
	"testing"

	"shoebox/bench/proof"
	"shoebox/repo/vault"
)

func TestHealEveryByte(t *testing.T) {
	proof.Count(t, 10, vault.HealEveryByte(t, proof.Pick(t, 41, 1, 1)))
}

func TestEachCallFails(t *testing.T) {
	proof.Count(t, 5, vault.EachCallFails(t, proof.Pick(t, 11, 1, 1)))
}
