package dev.wellapi.verification;

import static dev.wellapi.verification.Verification.check;
import static dev.wellapi.verification.Verification.sha256;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Proofs of RFC 9162 over the trees of RFC 6962. Hashes are of 32 bytes, SHA-256. */
public final class Merkle {
  static final long LARGEST_SIZE = (1L << 53) - 1;

  /** A tree of 2^53 leaves has paths of 53 hashes, and a consistency proof one more. */
  private static final int MOST_HASHES = 54;

  private static final byte[] EMPTY_ROOT = sha256();

  private Merkle() {}

  /** RFC 6962, 2.1. */
  public static byte[] leafHash(byte[] entry) {
    return sha256(new byte[] {0}, entry);
  }

  private static byte[] nodeHash(byte[] left, byte[] right) {
    return sha256(new byte[] {1}, left, right);
  }

  /**
   * Returns if the tree of `size` leaves and this root has the leaf at `index` (RFC 9162, 2.1.3.2); else throws ClientException
   * `VERIFICATION`. A root does not bind its size: both come from one checkpoint.
   */
  public static void verifyInclusion(byte[] leaf, long index, long size, byte[] root, List<byte[]> proof) {
    check(0 <= index && index < size && size <= LARGEST_SIZE, "the index is not in the tree");
    checkHashes(List.of(leaf, root), proof);
    long node = index;
    long last = size - 1;
    byte[] top = leaf;
    for (byte[] sibling : proof) {
      check(last > 0, "the proof is too long");
      if (node % 2 == 1 || node == last) {
        top = nodeHash(sibling, top);
        // The last node of a level may have no sibling there: climb to where it has one, on its left.
        while (node % 2 == 0 && node > 0) {
          node /= 2;
          last /= 2;
        }
      } else {
        top = nodeHash(top, sibling);
      }
      node /= 2;
      last /= 2;
    }
    check(last == 0, "the proof is too short");
    check(Arrays.equals(top, root), "the proof leads to another root");
  }

  /**
   * Returns if the newer tree begins with the older one (RFC 9162, 2.1.4.2); else throws ClientException `VERIFICATION`. Every tree
   * begins with the empty one, and with itself: by an empty proof.
   */
  public static void verifyConsistency(
      long olderSize, byte[] olderRoot, long size, byte[] root, List<byte[]> proof) {
    check(0 <= olderSize && olderSize <= size && size <= LARGEST_SIZE, "the newer tree is smaller");
    checkHashes(List.of(olderRoot, root), proof);
    check(olderSize > 0 || Arrays.equals(olderRoot, EMPTY_ROOT), "a tree of size 0 has another root");
    check(size > 0 || Arrays.equals(root, EMPTY_ROOT), "a tree of size 0 has another root");
    if (olderSize == 0 || olderSize == size) {
      check(proof.isEmpty(), "the proof is too long");
      check(olderSize < size || Arrays.equals(olderRoot, root), "two roots of one size");
      return;
    }
    climb(olderSize, olderRoot, size, root, proof);
  }

  private static void climb(long olderSize, byte[] olderRoot, long size, byte[] root, List<byte[]> proof) {
    long node = olderSize - 1;
    long last = size - 1;
    while (node % 2 == 1) {
      node /= 2;
      last /= 2;
    }
    // If the old tree is perfect, its root is the first node, and the proof leaves it out.
    List<byte[]> path = new ArrayList<>(proof);
    if (node == 0) path.add(0, olderRoot);
    check(!path.isEmpty(), "the proof is too short");
    byte[] olderTop = path.get(0);
    byte[] top = olderTop;
    for (byte[] sibling : path.subList(1, path.size())) {
      check(last > 0, "the proof is too long");
      if (node % 2 == 1 || node == last) {
        olderTop = nodeHash(sibling, olderTop);
        top = nodeHash(sibling, top);
        while (node % 2 == 0 && node > 0) {
          node /= 2;
          last /= 2;
        }
      } else {
        top = nodeHash(top, sibling);
      }
      node /= 2;
      last /= 2;
    }
    check(last == 0, "the proof is too short");
    check(Arrays.equals(olderTop, olderRoot), "the proof leads to another older root");
    check(Arrays.equals(top, root), "the proof leads to another newer root");
  }

  private static void checkHashes(List<byte[]> own, List<byte[]> proof) {
    check(proof.size() <= MOST_HASHES, "the proof has too many hashes");
    check(own.stream().allMatch(one -> one.length == 32), "a hash has 32 bytes");
    check(proof.stream().allMatch(one -> one.length == 32), "a hash has 32 bytes");
  }
}
