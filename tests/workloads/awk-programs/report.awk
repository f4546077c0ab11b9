# A report with a function that sorts.
function sort(a, n,    i, j, t) {
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
}
$1 < x { v[++n] = $3 }
END { sort(v, n); print n " values below " x; for (i = 1; i <= n; i += 10) printf "%3d %8.2f\n", i, v[i] }
